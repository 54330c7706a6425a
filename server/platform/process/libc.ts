import { dlopen, type FFIFunction, FFIType, read } from "bun:ffi";

/** glibc, then musl (which is its own loader), then macOS. A library in the working directory cannot replace these. */
const libraries = ["libc.so.6", "/lib/ld-musl-x86_64.so.1", "/lib/ld-musl-aarch64.so.1", "libSystem.B.dylib"];

/** Opens functions of the C library that neither Node nor Bun offers; null if no library was found. */
export function openLibc<Symbols extends Record<string, FFIFunction>>(symbols: Symbols) {
  for (const library of libraries) {
    try {
      return dlopen(library, symbols).symbols;
    } catch {
      // Try the next library.
    }
  }
  return null;
}

type Errno = () => number;
let errnoOf: Errno | null | undefined;

/** Returns the error number of the last call to the C library; 0 if it cannot be read. Call it immediately after the failure. */
export function errno(): number {
  errnoOf ??= findErrno();
  return errnoOf?.() ?? 0;
}

/** Loads what `errno` needs, so that no other call happens between a failure and reading its number. */
export function prepareErrno(): void {
  errnoOf ??= findErrno();
}

function findErrno(): Errno | null {
  const linux = openLibc({ __errno_location: { args: [], returns: FFIType.ptr } });
  const mac = linux === null ? openLibc({ __error: { args: [], returns: FFIType.ptr } }) : null;
  const locate = linux?.__errno_location ?? mac?.__error;
  if (locate === undefined) return null;
  return () => {
    const address = locate();
    return address === null ? 0 : read.i32(address, 0);
  };
}
