import * as zlib from "node:zlib";

/**
 * Makes node:zlib's streams work in the calling thread, so that a turn of a run is over when its microtasks are. To be called once, before any
 * stream is made.
 */
export function makeZlibSynchronous(): void {
  for (const stream of [zlib.createZstdCompress(), zlib.createZstdDecompress()]) {
    const handle = (stream as unknown as { _handle: object })._handle;
    patch(Object.getPrototypeOf(handle) as Prototype);
    stream.close();
  }
}

type Prototype = {
  init(...parameters: unknown[]): unknown;
  write(...parameters: unknown[]): unknown;
  writeSync(...parameters: unknown[]): unknown;
};

const patched = new WeakSet<object>();

function patch(prototype: Prototype): void {
  if (patched.has(prototype)) return;
  patched.add(prototype);
  const { init } = prototype;
  const callbacks = new WeakMap<object, () => void>();
  prototype.init = function (this: Prototype, ...parameters: unknown[]) {
    const callback = parameters.find((value) => typeof value === "function") as (() => void) | undefined;
    if (callback !== undefined) callbacks.set(this, callback);
    return init.apply(this, parameters);
  };
  prototype.write = function (this: Prototype, ...parameters: unknown[]) {
    this.writeSync(...parameters);
    process.nextTick(() => callbacks.get(this)?.call(this));
    return true;
  };
}
