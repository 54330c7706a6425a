import { FFIType, ptr } from "bun:ffi";
import { notifySocket } from "./environment.ts";
import { openLibc } from "./libc.ts";

/**
 * Sends a state to the service manager (systemd): `READY=1`, `STATUS=…`, `MAINPID=…`, several separated by newlines.
 * `address` is a path, or `@name` for an abstract socket. Returns false if it is null or the message was not accepted.
 * Never throws and never waits. Source: sd_notify(3), unix(7).
 */
export function notifyService(state: string, address: string | null = notifySocket()): boolean {
  const to = address === null ? null : socketAddress(address);
  const libc = to === null ? null : calls();
  if (to === null || libc === null) return false;
  const socket = libc.socket(unixFamily, datagram | closeOnExec, 0);
  if (socket < 0) return false;
  const message = Buffer.from(state);
  const sent = libc.sendto(socket, ptr(message), message.length, dontWait | noSignal, ptr(to), to.length);
  libc.close(socket);
  return Number(sent) === message.length;
}

/**
 * Builds the message that announces a reload to systemd. `READY=1` later announces its end.
 * systemd identifies the reload by its monotonic time.
 */
export function reloading(): string {
  const spec = new BigInt64Array(2);
  calls()?.clock_gettime(monotonic, ptr(spec));
  const [seconds = 0n, nanoseconds = 0n] = spec;
  return `RELOADING=1\nMONOTONIC_USEC=${seconds * 1_000_000n + nanoseconds / 1000n}`;
}

// Linux's numbers; x64 and arm64 use the same.
const unixFamily = 1;
const datagram = 2;
const closeOnExec = 0o2000000;
const dontWait = 0x40;
const noSignal = 0x4000;
const monotonic = 1;

/** Longest name in a socket address, in bytes. */
const longestName = 108;

/** Encodes a socket address: family, then name. An abstract name begins with a zero byte, a path ends with a zero byte. */
function socketAddress(address: string): Buffer | null {
  const isAbstract = address.startsWith("@");
  if (!isAbstract && !address.startsWith("/")) return null;
  const name = Buffer.from(isAbstract ? `\0${address.slice(1)}` : `${address}\0`);
  if (name.length > longestName) return null;
  const bytes = Buffer.alloc(2 + name.length);
  bytes.writeUInt16LE(unixFamily, 0);
  name.copy(bytes, 2);
  return bytes;
}

/** Opens the C library's socket functions, because neither Node nor Bun offers Unix datagram sockets. */
function load() {
  const int = FFIType.i32;
  return openLibc({
    socket: { args: [int, int, int], returns: int },
    sendto: { args: [int, FFIType.ptr, FFIType.u64, int, FFIType.ptr, FFIType.u32], returns: FFIType.i64 },
    close: { args: [int], returns: int },
    clock_gettime: { args: [int, FFIType.ptr], returns: int },
  });
}

let opened: ReturnType<typeof load> | undefined;

function calls(): ReturnType<typeof load> {
  opened ??= load();
  return opened;
}
