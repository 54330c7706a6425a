import { FFIType, ptr } from "bun:ffi";
import { notifySocket } from "./environment.ts";
import { openLibc } from "./libc.ts";

/**
 * Tells the service manager (systemd) something, as sd_notify(3) does: `READY=1`, `STATUS=…`, `MAINPID=…`; more than one on lines of
 * their own. `address` is a path, or `@name` for an abstract socket. False where nobody wants to know (null) or it was not taken;
 * never throws and never waits. Source of the protocol: sd_notify(3), unix(7).
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
 * What systemd wants to hear when a reload begins; `READY=1` tells its end. The time is the monotonic one, by which it knows which
 * reload is meant.
 */
export function reloading(): string {
  const spec = new BigInt64Array(2);
  calls()?.clock_gettime(monotonic, ptr(spec));
  const [seconds = 0n, nanoseconds = 0n] = spec;
  return `RELOADING=1\nMONOTONIC_USEC=${seconds * 1_000_000n + nanoseconds / 1000n}`;
}

// Linux's numbers, the same on x64 and arm64.
const unixFamily = 1;
const datagram = 2;
const closeOnExec = 0o2000000;
const dontWait = 0x40;
const noSignal = 0x4000;
const monotonic = 1;

/** Room for a name in a socket address. */
const longestName = 108;

/** The address as the kernel wants it: family, name; an abstract name begins with a zero byte, a path ends with one. */
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

/** Neither Node's nor Bun's sockets know datagrams of the Unix kind, so the C library is asked itself. */
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
