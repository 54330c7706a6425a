import { close, fsync, open, write } from "../platform/files/files.ts";

/** Makes the names in a folder survive a power loss, without keeping the calling thread waiting. */
export async function syncNames(folder: string): Promise<void> {
  const fd = await openedFor(folder, "r");
  await done((ended) => fsync(fd, ended)).finally(() => close(fd));
}

/** A descriptor, without keeping the calling thread waiting. Rejects with the system's error. */
export function openedFor(path: string, flags: string): Promise<number> {
  return new Promise((resolve, reject) => open(path, flags, (error, fd) => (error ? reject(error) : resolve(fd))));
}

/** Writes a whole text at the end of a file; resolves with its bytes. */
export async function writeAll(fd: number, text: string): Promise<number> {
  const content = Buffer.from(text);
  for (let at = 0; at < content.length; ) {
    at += await new Promise<number>((resolve, reject) => {
      write(fd, content, at, content.length - at, null, (error, count) => (error ? reject(error) : resolve(count)));
    });
  }
  return content.length;
}

/** The end of a call that takes a callback. */
export function done(work: (ended: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => work((error) => (error ? reject(error) : resolve())));
}
