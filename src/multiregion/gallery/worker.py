"""The process that decodes pictures: a job a line on standard input, an answer a line on standard output.

A hostile file can break or hang a decoder; here it can take nothing with it. Memory is limited, and comes back to the
machine when the process ends. The process ends when its input does, so it cannot outlive its region.
"""

import errno
import os
import queue
import resource
import signal
import sys
import threading
from contextlib import suppress

import msgspec

from multiregion.errors import DiskFailed, DiskFull, MultiregionError, UnsupportedMedia
from multiregion.gallery.jobs import Answer, Job
from multiregion.gallery.pictures import render

MEMORY_BYTES_BESIDE = 512 * 1024 * 1024
MEMORY_BYTES_PER_PIXEL = 20  # five pictures of four bytes a pixel at the same time


def answer(line: bytes) -> Answer:
    job = msgspec.json.decode(line, type=Job)
    try:
        return Answer(picture=render(job))
    except MultiregionError as error:
        return Answer(code=error.code, detail=error.detail, facts=dict(error.facts))
    except FileNotFoundError as error:
        if error.filename != job.source:
            return Answer(code=DiskFailed.code, detail="the disk cannot be written (its folder is gone): the photo was not kept")
        return Answer(code="unknown_upload", detail="the upload is gone; upload it again")
    except MemoryError:
        return Answer(code=UnsupportedMedia.code, detail="decoding the picture needs too much memory", facts={"field": "file"})
    except Exception as error:  # noqa: BLE001 - a decoder may raise anything for a broken file
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return Answer(code=DiskFull.code, detail="the disk is full: the photo was not kept")
        if isinstance(error, OSError) and error.errno is not None:  # a decoder's own errors have no number
            return Answer(code=DiskFailed.code, detail=f"the disk cannot be written ({error.strerror}): the photo was not kept")
        return Answer(code=UnsupportedMedia.code, detail=f"the picture is damaged: {error}", facts={"field": "file"})


def limit_memory(pixels_max: int) -> None:
    bytes_max = MEMORY_BYTES_BESIDE + MEMORY_BYTES_PER_PIXEL * pixels_max
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError, ValueError):  # some systems cannot limit it; the limit on pixels holds everywhere
        resource.setrlimit(resource.RLIMIT_AS, (bytes_max, bytes_max))


def read_jobs(jobs: "queue.SimpleQueue[bytes]") -> None:
    for line in sys.stdin.buffer:
        jobs.put(line)
    os._exit(0)  # the region is gone, or done; a decoder in the middle of a picture would not notice otherwise


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for the region, which ends this process
    limit_memory(int(sys.argv[1]))
    jobs: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=read_jobs, args=(jobs,), daemon=True).start()
    while True:
        sys.stdout.buffer.write(msgspec.json.encode(answer(jobs.get())) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
