"""AWS CodeCommit over real Git repositories."""

import base64
import uuid
from typing import TYPE_CHECKING, Any

from mlzone_cloud.errors import ApiError
from mlzone_cloud.git_repository import GitRepository, RefChange
from mlzone_cloud.operations import Call, operation
from mlzone_cloud.pull_requests import record as pull_request

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

_STORE = "codecommit"
_EMPTY_TREE_BRANCH = "main"


def find(cloud: "Cloud", account: str, region: str, name: str) -> dict[str, Any]:
    """Return the record of a repository.

    Raises:
        ApiError: there is none.
    """
    record: dict[str, Any] | None = cloud.store(_STORE, account, region).get(name)
    if record is None:
        raise ApiError("RepositoryDoesNotExistException", f"{name} does not exist")
    return record


def announce(
    cloud: "Cloud", account: str, region: str, name: str, change: RefChange, caller_arn: str
) -> None:
    """Tell EventBridge that a branch or tag moved, and what that means for pull requests."""
    record = find(cloud, account, region, name)
    kind = "tag" if change.ref.startswith("refs/tags/") else "branch"
    event = "Updated" if change.before and change.after else "Created"
    detail = {
        "event": f"reference{event if change.after else 'Deleted'}",
        "repositoryName": name,
        "repositoryId": record["repositoryId"],
        "referenceType": kind,
        "referenceName": change.ref.split("/", maxsplit=2)[2],
        "referenceFullName": change.ref,
        "callerUserArn": caller_arn,
    }
    if change.after:
        detail["commitId"] = change.after
    if change.before:
        detail["oldCommitId"] = change.before
    cloud.emit(
        account=account,
        region=region,
        source="aws.codecommit",
        detail_type="CodeCommit Repository State Change",
        detail=detail,
        resources=(record["Arn"],),
    )
    pull_request.branch_moved(cloud, account, region, name, change, caller_arn)


@operation("codecommit", "CreateRepository")
def create_repository(call: Call) -> dict[str, Any]:
    """Make a repository with nothing in it."""
    name = call.params["repositoryName"]
    store = call.cloud.store(_STORE, call.account, call.region)
    if name in store:
        raise ApiError("RepositoryNameExistsException", f"Repository named {name} already exists")
    now = call.cloud.clock.now()
    store[name] = {
        "accountId": call.account,
        "repositoryId": str(uuid.uuid4()),
        "repositoryName": name,
        "repositoryDescription": call.params.get("repositoryDescription", ""),
        "lastModifiedDate": now,
        "creationDate": now,
        "Arn": f"arn:aws:codecommit:{call.region}:{call.account}:{name}",
        "kmsKeyId": call.params.get("kmsKeyId")
        or f"arn:aws:kms:{call.region}:{call.account}:alias/aws/codecommit",
        "tags": dict(call.params.get("tags") or {}),
    }
    _repository(call, name).create()
    return {"repositoryMetadata": _metadata(call, name)}


@operation("codecommit", "GetRepository")
def get_repository(call: Call) -> dict[str, Any]:
    """Describe a repository."""
    return {"repositoryMetadata": _metadata(call, call.params["repositoryName"])}


@operation("codecommit", "ListRepositories")
def list_repositories(call: Call) -> dict[str, Any]:
    """List the repositories of the account and Region."""
    records = call.cloud.store(_STORE, call.account, call.region)
    return {
        "repositories": [
            {"repositoryName": name, "repositoryId": record["repositoryId"]}
            for name, record in sorted(records.items())
        ]
    }


@operation("codecommit", "UpdateRepositoryDescription")
def update_description(call: Call) -> dict[str, Any]:
    """Describe it in other words."""
    record = _record(call)
    record["repositoryDescription"] = call.params.get("repositoryDescription", "")
    record["lastModifiedDate"] = call.cloud.clock.now()
    return {}


@operation("codecommit", "UpdateRepositoryName")
def update_name(call: Call) -> dict[str, Any]:
    """Give a repository another name; its id stays."""
    store = call.cloud.store(_STORE, call.account, call.region)
    old, new = call.params["oldName"], call.params["newName"]
    record = find(call.cloud, call.account, call.region, old)
    if new in store:
        raise ApiError("RepositoryNameExistsException", f"Repository named {new} already exists")
    _repository(call, old).path.rename(_repository(call, new).path)
    store[new] = store.pop(old)
    pull_request.repository_renamed(call.cloud, call.account, call.region, old, new)
    record.update(
        repositoryName=new,
        Arn=f"arn:aws:codecommit:{call.region}:{call.account}:{new}",
        lastModifiedDate=call.cloud.clock.now(),
    )
    return {}


@operation("codecommit", "UpdateRepositoryEncryptionKey")
def update_key(call: Call) -> dict[str, Any]:
    """Encrypt a repository under another key."""
    record = _record(call)
    before, record["kmsKeyId"] = record["kmsKeyId"], call.params["kmsKeyId"]
    return {
        "repositoryId": record["repositoryId"],
        "kmsKeyId": record["kmsKeyId"],
        "originalKmsKeyId": before,
    }


@operation("codecommit", "DeleteRepository")
def delete_repository(call: Call) -> dict[str, Any]:
    """Delete a repository with all that is in it; one that does not exist is no error."""
    name = call.params["repositoryName"]
    record = call.cloud.store(_STORE, call.account, call.region).pop(name, None)
    if record is None:
        return {}
    _repository(call, name).remove()
    pull_request.repository_deleted(call.cloud, call.account, call.region, name)
    return {"repositoryId": record["repositoryId"]}


@operation("codecommit", "GetBranch")
def get_branch(call: Call) -> dict[str, Any]:
    """Return the commit at the tip of a branch."""
    _record(call)
    name = call.params["branchName"]
    commit = _repository(call).branch(name)
    if commit is None:
        raise ApiError("BranchDoesNotExistException", f"{name} does not exist")
    return {"branch": {"branchName": name, "commitId": commit}}


@operation("codecommit", "ListBranches")
def list_branches(call: Call) -> dict[str, Any]:
    """List the branches."""
    _record(call)
    refs = _repository(call).refs("refs/heads/")
    return {"branches": [ref.removeprefix("refs/heads/") for ref in refs]}


@operation("codecommit", "CreateBranch")
def create_branch(call: Call) -> dict[str, Any]:
    """Begin a branch at a commit."""
    _record(call)
    ref = f"refs/heads/{call.params['branchName']}"
    if ref in _repository(call).refs():
        raise ApiError("BranchNameExistsException", f"{call.params['branchName']} exists already")
    _move(call, call.params["branchName"], call.params["commitId"])
    return {}


@operation("codecommit", "GetCommit")
def get_commit(call: Call) -> dict[str, Any]:
    """Describe a commit."""
    _record(call)
    commit_id = call.params["commitId"]
    fields = "%H%x00%T%x00%P%x00%an%x00%ae%x00%ad%x00%cn%x00%ce%x00%cd%x00%B"
    try:
        raw = _repository(call).run(
            "show", "--no-patch", "--date=raw", f"--format={fields}", commit_id
        )
    except ApiError as error:
        raise ApiError("CommitIdDoesNotExistException", f"{commit_id} does not exist") from error
    (sha, tree, parents, *people, message) = raw.decode().rstrip("\n").split("\0")
    return {
        "commit": {
            "commitId": sha,
            "treeId": tree,
            "parents": parents.split(),
            "message": message,
            "author": dict(zip(("name", "email", "date"), people[:3], strict=True)),
            "committer": dict(zip(("name", "email", "date"), people[3:], strict=True)),
        }
    }


@operation("codecommit", "GetFile")
def get_file(call: Call) -> dict[str, Any]:
    """Return a file at a commit, or at the tip of the default branch."""
    _record(call)
    repository = _repository(call)
    commit = call.params.get("commitSpecifier") or "HEAD"
    path = call.params["filePath"].lstrip("/")
    try:
        listing = repository.run("ls-tree", "-r", "-l", commit, "--", path).decode()
        _, _, blob, size = listing.splitlines()[0].split("\t")[0].split()
    except (ApiError, IndexError) as error:
        raise ApiError("FileDoesNotExistException", f"{path} does not exist") from error
    return {
        "commitId": repository.run("rev-parse", commit).decode().strip(),
        "blobId": blob,
        "filePath": path,
        "fileMode": "NORMAL",
        "fileSize": int(size),
        "fileContent": repository.run("cat-file", "blob", blob),
    }


@operation("codecommit", "CreateCommit")
def create_commit(call: Call) -> dict[str, Any]:
    """Commit files to a branch."""
    _record(call)
    branch = call.params["branchName"]
    repository = _repository(call)
    parent = repository.branch(branch)
    if parent and call.params.get("parentCommitId") != parent:
        raise ApiError(
            "ParentCommitIdOutdatedException",
            f"the tip of {branch} is {parent}, not {call.params.get('parentCommitId')}",
        )
    tree: dict[str, tuple[str, str]] = {}
    if parent:
        for line in repository.run("ls-tree", "-r", parent).decode().splitlines():
            about, path = line.split("\t")
            mode, _, blob = about.split()
            tree[path] = (mode, blob)
    for file in call.params.get("putFiles") or ():
        content = file.get("fileContent") or b""
        if isinstance(content, str):
            content = base64.b64decode(content)
        blob = repository.run("hash-object", "-w", "--stdin", data=content).decode().strip()
        mode = "100755" if file.get("fileMode") == "EXECUTABLE" else "100644"
        tree[file["filePath"].lstrip("/")] = (mode, blob)
    for file in call.params.get("deleteFiles") or ():
        if tree.pop(file["filePath"].lstrip("/"), None) is None:
            raise ApiError("FileDoesNotExistException", f"{file['filePath']} does not exist")
    commit, tree_id = _write_commit(call, repository, tree, parent)
    _move(call, branch, commit)
    return {"commitId": commit, "treeId": tree_id}


@operation("codecommit", "ListTagsForResource")
def list_tags(call: Call) -> dict[str, Any]:
    """Return a repository's tags."""
    return {"tags": dict(_by_arn(call)["tags"])}


@operation("codecommit", "TagResource")
def tag_resource(call: Call) -> dict[str, Any]:
    """Add tags."""
    _by_arn(call)["tags"].update(call.params["tags"])
    return {}


@operation("codecommit", "UntagResource")
def untag_resource(call: Call) -> dict[str, Any]:
    """Remove tags."""
    for key in call.params["tagKeys"]:
        _by_arn(call)["tags"].pop(key, None)
    return {}


def _write_commit(
    call: Call, repository: GitRepository, tree: dict[str, tuple[str, str]], parent: str | None
) -> tuple[str, str]:
    listing = "".join(f"{mode} blob {blob}\t{path}\n" for path, (mode, blob) in tree.items())
    tree_id = _nested_tree(repository, listing)
    now = f"{int(call.cloud.clock.now().timestamp())} +0000"
    who = f"{call.params.get('authorName', 'unknown')} <{call.params.get('email', '')}> {now}"
    lines = [f"tree {tree_id}", *([f"parent {parent}"] if parent else [])]
    lines += [f"author {who}", f"committer {who}", "", call.params.get("commitMessage", ""), ""]
    text = "\n".join(lines).encode()
    commit = repository.run("hash-object", "-t", "commit", "-w", "--stdin", data=text)
    return commit.decode().strip(), tree_id


def _nested_tree(repository: GitRepository, listing: str) -> str:
    """Write a tree with its folders from a flat list of paths."""
    files: list[str] = []
    folders: dict[str, list[str]] = {}
    for line in listing.splitlines():
        about, path = line.split("\t")
        head, _, rest = path.partition("/")
        if rest:
            folders.setdefault(head, []).append(f"{about}\t{rest}")
        else:
            files.append(line)
    for name, lines in folders.items():
        files.append(f"040000 tree {_nested_tree(repository, chr(10).join(lines))}\t{name}")
    return repository.run("mktree", data=("\n".join(files) + "\n").encode()).decode().strip()


def _move(call: Call, branch: str, commit: str) -> None:
    repository = _repository(call)
    before = repository.branch(branch) or ""
    repository.set_branch(branch, commit)
    change = RefChange(ref=f"refs/heads/{branch}", before=before, after=commit)
    announce(
        call.cloud,
        call.account,
        call.region,
        call.params["repositoryName"],
        change,
        call.caller_arn,
    )


def _record(call: Call) -> dict[str, Any]:
    return find(call.cloud, call.account, call.region, call.params["repositoryName"])


def _by_arn(call: Call) -> dict[str, Any]:
    name = call.params["resourceArn"].rsplit(":", 1)[-1]
    return find(call.cloud, call.account, call.region, name)


def _repository(call: Call, name: str = "") -> GitRepository:
    name = name or call.params["repositoryName"]
    return GitRepository.of(call.cloud, call.account, call.region, name)


def _metadata(call: Call, name: str) -> dict[str, Any]:
    record = find(call.cloud, call.account, call.region, name)
    url = f"{call.cloud.endpoint_url}/git/{call.account}/{call.region}/{name}"
    return {
        **{key: value for key, value in record.items() if key != "tags"},
        "cloneUrlHttp": url,
        "cloneUrlSsh": f"ssh://git-codecommit.{call.region}.amazonaws.com/v1/repos/{name}",
        "defaultBranch": _EMPTY_TREE_BRANCH,
    }
