# Runs a program that sees nothing of this machine but what it is given.
# usage: enter.sh SECONDS ROOT INPUT OUTPUT READABLE… -- NAME=VALUE… PROGRAM…
# In new namespaces (see sandbox.py): no network, no other process, no home, no capability.
set -eu
seconds=$1 root=$2 input=$3 output=$4; shift 4
mount -t tmpfs -o size=64m,mode=755 none "$root"
bind() { mkdir -p "$root$2"; mount --bind "$1" "$root$2"; mount -o remount,bind,ro "$root$2"; }
while [ "$1" != -- ]; do [ -d "$1" ] && bind "$1" "$1"; shift; done; shift
bind "$input" /input
mkdir -p "$root/output" "$root/dev" "$root/tmp"; mount --bind "$output" "$root/output"
for device in null urandom; do
  touch "$root/dev/$device"; mount --bind "/dev/$device" "$root/dev/$device"
done
ulimit -t "$seconds"; ulimit -f 400000; ulimit -n 256; ulimit -v 8000000
exec chroot "$root" /usr/bin/setpriv --no-new-privs --inh-caps=-all --bounding-set=-all env -i "$@"
