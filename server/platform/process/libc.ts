import { dlopen, type FFIFunction, FFIType, read } from "bun:ffi";

/** glibc, then musl, which is its own loader, then macOS; by names that no working directory can stand in for. */
const libraries = ["libc.so.6", "/lib/ld-musl-x86_64.so.1", "/lib/ld-musl-aarch64.so.1", "libSystem.B.dylib"];

/** Functions of the C library that neither Node nor Bun offers; null if there is none to be had. */
export function openLibc<Symbols extends Record<string, FFIFunction>>(symbols: Symbols) {
  for (const library of libraries) {
    try {
      return dlopen(library, symbols).symbols;
    } catch {
      // The next one.
    }
  }
  return null;
}

type Errno = () => number;
let errnoOf: Errno | null | undefined;

/** The error number of the call to the C library that was made just before; 0 if it cannot be read. */
export function errno(): number {
  errnoOf ??= findErrno();
  return errnoOf?.() ?? 0;
}

/** Loads what `errno` needs, so that no call comes between a failure and the look at its number. */
export function prepareErrno(): void {
  errnoOf ??= findErrno();
}

function findErrno(): Errno | null {
  const linux = openLibc({ __errno_location: { args: [], returns: FFIType.ptr } });
  const mac = linux === null ? openLibc({ __error: { args: [], returns: FFIType.ptr } }) : null;
  const place = linux?.__errno_location ?? mac?.__error;
  if (place === undefined) return null;
  return () => {
    const at = place();
    return at === null ? 0 : read.i32(at, 0);
  };
}
