"""Files that appear under their final name whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mrilab.errors import UserError
from mrilab.faults import disk_full


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`. Move it there on success, remove it on any failure.

    The temporary file keeps the suffix, for writers that choose their format by it. It lies in the same folder, because
    `os.replace` is atomic only within a file system.

    Raises:
        UserError: a folder that cannot be made or written, a full disk, a quota, a name that is too long.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # the name cannot be longer than the final one may be
        handle, name = tempfile.mkstemp(prefix=f".{path.stem[:16]}-", suffix=path.suffix, dir=path.parent)
    except OSError as error:
        raise UserError(f"cannot write to {path.parent} ({error.strerror}); choose another folder") from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)  # files of mkstemp are private; ours are for sharing
        if path.is_dir():
            raise UserError(f"{path} is a folder; give the name of a file to write")
        os.replace(temporary, path)
    except Exception as error:  # safetensors' own error holds the system's in words
        reason = disk_full(error) or (error.strerror or error if isinstance(error, OSError) else None)
        if reason is None:
            raise
        raise UserError(f"could not write {path} ({reason}); free some space or choose another folder") from error
    finally:
        temporary.unlink(missing_ok=True)


def write_atomic(path: str | Path, content: bytes | memoryview) -> None:
    """Write bytes, whole or not at all. Raise `UserError` as `atomic_path` does."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
