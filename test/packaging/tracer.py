#!/usr/bin/env python3
"""Runs a command and stops it at the N-th system call that changes a file below a folder, or starts systemctl, counted over all
processes that the command starts: what strace's `when=` counts for each process alone.

  tracer.py count FOLDER 0 COMMAND...   counts how many there are
  tracer.py kill FOLDER N COMMAND...    kills all of them at the N-th, before it happens
  tracer.py one FOLDER N COMMAND...     kills the process alone that is about to do it
  tracer.py term FOLDER N COMMAND...    sends SIGTERM to all of them, as the end of a session does
  tracer.py full FOLDER N COMMAND...    from the N-th on, those that need room on the disk fail with ENOSPC

Exit code: that of the command; 137 when it was killed. The file that TRACER_COUNT names gets a line for each such call, with its name and
path. x86-64 Linux alone.
"""
import ctypes
import os
import signal
import struct
import sys

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.restype = ctypes.c_long
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]

# name: (number, index of the path argument, index of the folder's descriptor, index of a descriptor, whether it needs room)
CALLS = {
    "write": (1, None, None, 0, True),
    "open": (2, 0, None, None, True),
    "pwrite64": (18, None, None, 0, True),
    "writev": (20, None, None, 0, True),
    "sendfile": (40, None, None, 0, True),
    "execve": (59, 0, None, None, False),
    "fsync": (74, None, None, 0, True),
    "fdatasync": (75, None, None, 0, True),
    "truncate": (76, 0, None, None, False),
    "ftruncate": (77, None, None, 0, False),
    "rename": (82, 1, None, None, False),
    "mkdir": (83, 0, None, None, True),
    "rmdir": (84, 0, None, None, False),
    "creat": (85, 0, None, None, True),
    "link": (86, 1, None, None, True),
    "unlink": (87, 0, None, None, False),
    "symlink": (88, 1, None, None, True),
    "chmod": (90, 0, None, None, False),
    "fchmod": (91, None, None, 0, False),
    "openat": (257, 1, 0, None, True),
    "mkdirat": (258, 1, 0, None, True),
    "unlinkat": (263, 1, 0, None, False),
    "renameat": (264, 3, 2, None, False),
    "linkat": (265, 3, 2, None, True),
    "symlinkat": (266, 2, 1, None, True),
    "fchmodat": (268, 1, 0, None, False),
    "fallocate": (285, None, None, 0, True),
    "renameat2": (316, 3, 2, None, False),
    "copy_file_range": (326, None, None, 2, True),
}
BY_NUMBER = {call[0]: (name, *call[1:]) for name, call in CALLS.items()}
WRITING = 0o1 | 0o2 | 0o100 | 0o1000
ENOSPC = 28
AT_FDCWD = 0xFFFFFF9C


class Registers(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_ulonglong)
        for name in "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss fs gs ds es fsg gsb".split()
    ][:27]

    def arguments(self):
        return [self.rdi, self.rsi, self.rdx, self.r10, self.r8, self.r9]


def ptrace(request, pid, address=0, data=0):
    return libc.ptrace(request, pid, ctypes.c_void_p(address), ctypes.c_void_p(data))


def stop_at_calls():
    """seccomp: the calls above stop for the tracer, all others go on at full speed."""
    program = [(0x20, 0, 0, 0)]
    numbers = sorted(BY_NUMBER)
    for at, number in enumerate(numbers):
        program.append((0x15, len(numbers) - at, 0, number))
    program += [(0x06, 0, 0, 0x7FFF0000), (0x06, 0, 0, 0x7FF00000)]
    code = b"".join(struct.pack("HBBI", *step) for step in program)
    buffer = ctypes.create_string_buffer(code)
    filter_ = struct.pack("HxxxxxxQ", len(program), ctypes.addressof(buffer))
    libc.prctl(38, 1, 0, 0, 0)
    if libc.prctl(22, 2, ctypes.c_char_p(filter_), 0, 0) != 0:
        os._exit(126)


def text_at(pid, address):
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        memory.seek(address)
        found = b""
        while b"\0" not in found and len(found) < 4096:
            # Not across the end of a page, which may be the last one.
            piece = memory.read(4096 - (address + len(found)) % 4096)
            if not piece:
                break
            found += piece
        return found.split(b"\0")[0].decode("utf8", "surrogateescape")


def path_of(pid, call, arguments):
    _, path_at, folder_at, descriptor_at, _ = call
    try:
        if descriptor_at is not None:
            return os.readlink(f"/proc/{pid}/fd/{arguments[descriptor_at] & 0xFFFFFFFF}")
        path = text_at(pid, arguments[path_at])
        if path.startswith("/"):
            return path
        descriptor = AT_FDCWD if folder_at is None else arguments[folder_at] & 0xFFFFFFFF
        base = f"/proc/{pid}/cwd" if descriptor == AT_FDCWD else f"/proc/{pid}/fd/{descriptor}"
        return os.path.join(os.readlink(base), path)
    except OSError:
        return ""


def counted(pid, call, arguments, folder):
    """What the call does, as a line: its name and path below the folder; None if it does not count."""
    name = call[0]
    path = os.path.normpath(path_of(pid, call, arguments))
    if name == "execve":
        return "execve systemctl" if os.path.basename(path) == "systemctl" else None
    if name in ("open", "openat"):
        flags = arguments[1] if name == "open" else arguments[2]
        if flags & WRITING == 0:
            return None
    return f"{name} {path[len(folder) + 1:]}" if path.startswith(folder + "/") else None


def main():
    mode, folder, wanted = sys.argv[1], os.path.realpath(sys.argv[2]), int(sys.argv[3])
    child = os.fork()
    if child == 0:
        ptrace(0, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        stop_at_calls()
        os.execvp(sys.argv[4], sys.argv[4:])
    os.waitpid(child, 0)
    # Forks, clones, execs and seccomp stops; what is traced dies with us.
    ptrace(0x4200, child, 0, 0x2 | 0x4 | 0x8 | 0x10 | 0x80 | 0x100000)
    ptrace(7, child, 0, 0)
    seen, code, alive = [], 0, {child}
    while alive:
        try:
            pid, status = os.waitpid(-1, 0x40000000)
        except ChildProcessError:
            break
        if os.WIFEXITED(status) or os.WIFSIGNALED(status):
            alive.discard(pid)
            if pid == child:
                code = os.waitstatus_to_exitcode(status)
                # Background processes of the command are left to themselves.
                break
            continue
        alive.add(pid)
        event, pass_on = status >> 16, 0
        if event == 7:
            registers = Registers()
            ptrace(12, pid, 0, ctypes.addressof(registers))
            call = BY_NUMBER.get(registers.orig_rax)
            line = call and counted(pid, call, registers.arguments(), folder)
            if line is not None:
                seen.append(line)
                if mode == "kill" and len(seen) == wanted:
                    for tracee in alive:
                        os.kill(tracee, signal.SIGKILL)
                    report(seen)
                    sys.exit(137)
                if mode == "term" and len(seen) == wanted:
                    for tracee in alive:
                        os.kill(tracee, signal.SIGTERM)
                if mode == "one" and len(seen) == wanted:
                    os.kill(pid, signal.SIGKILL)
                if mode == "full" and len(seen) >= wanted and call[4]:
                    registers.orig_rax = (1 << 64) - 1
                    registers.rax = (1 << 64) - ENOSPC
                    ptrace(13, pid, 0, ctypes.addressof(registers))
        elif event == 0:
            received = os.WSTOPSIG(status)
            # A new tracee begins with a stop of its own.
            pass_on = 0 if received in (signal.SIGSTOP, signal.SIGTRAP) else received
        ptrace(7, pid, 0, pass_on)
    report(seen)
    sys.exit(code if code >= 0 else 128 - code)


def report(seen):
    with open(os.environ["TRACER_COUNT"], "w", encoding="utf8") as file:
        file.writelines(line + "\n" for line in seen)


main()
