# Runs the commands of one build; see codebuild_shell.py, which fills in @FOLDER@.
# Everything of its own is called __cb_…: the rest belongs to the commands.
__cb_folder=@FOLDER@
if [[ -f $__cb_folder/state ]]; then source "$__cb_folder/state" 2>/dev/null; fi
__cb_folder=@FOLDER@
IFS=$' \t\n'
source "$__cb_folder/plan"
__cb_step=0 __cb_code=0 __cb_phase_failed=0 __cb_failed=0 __cb_options='set +eux'

__cb_say() { printf '[Container] %(%Y/%m/%d %H:%M:%S)T %s\n' -1 "$1"; }
# Every note has its line in the log, so that the reader knows what was printed before it.
__cb_note() { printf '%s\t%s\t%s\n' "$1" "$2" "${3-}" >> "$__cb_folder/events"; }

__cb_save() {
  local __cb_name
  {
    while IFS= read -r __cb_name; do
      case $__cb_name in
        __cb_*|BASH*|DIRSTACK|EUID|FUNCNAME|GROUPS|PIPESTATUS|PPID|SHELLOPTS|UID|_) ;;
        *) declare -p "$__cb_name" 2>/dev/null ;;
      esac
    done < <(compgen -v)
    declare -f
    shopt -p
    printf 'cd -- %q\n' "$PWD"
  } > "$__cb_folder/state"
}

__cb_left() {
  local code=$?
  set +eu
  __cb_save
  printf '%s %s %s %s\n' "$__cb_step" "$code" "$__cb_phase_failed" "$__cb_failed" \
    > "$__cb_folder/position"
}

__cb_finish() {
  local IFS=$' \t\n'
  if [[ $1 != 0 ]]; then
    __cb_note fail "$__cb_step" "$1"
    __cb_say "Command did not exit successfully ${__cb_shown[__cb_step]} exit status $1"
    __cb_phase_failed=1 __cb_failed=1
    export CODEBUILD_BUILD_SUCCEEDING=0
  fi
}

__cb_enter() {
  __cb_phase_failed=0
  __cb_note enter "$1"
  __cb_say "Entering phase $1"
}

__cb_leave() {
  local state=SUCCEEDED
  [[ $__cb_phase_failed == 1 ]] && state=FAILED
  __cb_note leave "$1" "$state"
  __cb_say "Phase complete: $1 State: $state"
  [[ $state == SUCCEEDED || $2 == CONTINUE ]] && return
  # A build that failed still goes through POST_BUILD; nothing else goes on after a failure.
  if [[ $1 == BUILD && $2 != ABORT ]]; then return; fi
  __cb_step=$__cb_count
}

trap __cb_left EXIT
if [[ -f $__cb_folder/position ]]; then
  read -r __cb_step __cb_code __cb_phase_failed __cb_failed < "$__cb_folder/position"
  rm -f "$__cb_folder/position"
  __cb_finish "$__cb_code"
  __cb_step=$((__cb_step + 1))
fi

while [[ $__cb_step -lt $__cb_count ]]; do
  case ${__cb_kinds[__cb_step]} in
    enter) __cb_enter "${__cb_phases[__cb_step]}" ;;
    leave) __cb_leave "${__cb_phases[__cb_step]}" "${__cb_shown[__cb_step]}" ;;
    *)
      if [[ ${__cb_kinds[__cb_step]} == finally || $__cb_phase_failed == 0 ]]; then
        __cb_note run "$__cb_step"
        __cb_say "Running command ${__cb_shown[__cb_step]}"
        __cb_text=$(< "$__cb_folder/command-$__cb_step")
        # `exec` replaces the shell: what is known by now is saved before.
        [[ $__cb_text == *exec* ]] && __cb_save
        eval "$__cb_options"
        eval "$__cb_text"
        __cb_code=$?
        __cb_flags=$-
        set +eux
        __cb_options="set -${__cb_flags//[^eux]/}"
        [[ $__cb_options == 'set -' ]] && __cb_options='set +eux'
        __cb_finish "$__cb_code"
      fi ;;
  esac
  __cb_step=$((__cb_step + 1))
done

trap - EXIT
IFS=$' \t\n'
for __cb_name in "${__cb_exported[@]}"; do
  printf '%s\0%s\0' "$__cb_name" "${!__cb_name-}"
done > "$__cb_folder/exported"
for __cb_text in "${__cb_expanded[@]}"; do
  eval "printf '%s\0' \"$__cb_text\""
done > "$__cb_folder/expanded"
: > "$__cb_folder/finished"
exit 0
