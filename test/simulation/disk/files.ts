import { Readable } from "node:stream";
import type { FileSink } from "bun";
import type { Files } from "../../../server/platform/files/files.ts";
import type { Random } from "../random.ts";
import type { DiskState } from "./faults.ts";
import { type Inode, systemError, type Tree } from "./tree.ts";

/** Whose hands the files are in: a process of the program, which may be killed at any step, or somebody who only reads. */
export type Holder = {
  /** Called before each step that touches a file; throws where the process is killed by it. */
  step(operation: string, path: string): void;
  /** The process is gone: operations never settle. */
  isDead(): boolean;
  /** Runs something after a while, unless the process is gone by then. */
  later(ms: number, run: () => void): void;
  /** The process stands still. */
  block(ms: number): void;
};

type Descriptor = {
  readonly inode: Inode;
  readonly path: string;
  readonly appends: boolean;
  readonly mayWrite: boolean;
  readonly generation: number;
  position: number;
};

/** Descriptors of ours are far above any real one, so that a mistake shows. */
const firstDescriptor = 1_000_000;

const blockBytes = 4096;
const changing = /open for writing|write|mkdir|rename|link|rmdir|ftruncate|sync/;

/** Members of a result of `stat` that are the same for all files, and for all folders. */
const faceOf = (isFolder: boolean) => ({
  mode: isFolder ? 0o40755 : 0o100644,
  blksize: blockBytes,
  uid: 0,
  gid: 0,
  isFile: () => !isFolder,
  isDirectory: () => isFolder,
  isSymbolicLink: () => false,
  isSocket: () => false,
  get mtime() {
    return new Date((this as unknown as { mtimeMs: number }).mtimeMs);
  },
});
const [fileFace, folderFace] = [faceOf(false), faceOf(true)];

/** The files of a tree as the program sees them. */
export function createFiles(deps: {
  tree: Tree;
  state: DiskState;
  random: Random;
  holder: Holder;
  nowMs: () => number;
  /** Who has locked what, over all processes. */
  locks: Map<Inode, { readonly holder: Holder; readonly fd: number; readonly generation: number }>;
  /** Files of the system: `/proc/stat` and the like. */
  system: ReadonlyMap<string, string>;
}): Files {
  const { tree, state, random, holder, nowMs, locks, system } = deps;
  const descriptors = new Map<number, Descriptor>();
  let nextDescriptor = firstDescriptor;
  let lastDueMs = 0;

  /** One step, as far as the disk allows it. */
  function step<T>(operation: string, path: string, work: () => T): T {
    holder.step(operation, path);
    const { failure } = state;
    if (failure !== null && (failure.all || changing.test(operation))) throw systemError(failure.code, operation, path);
    return work();
  }

  /** The same in the calling thread. */
  function sync<T>(operation: string, path: string, work: () => T): T {
    if (state.slowMs > 0) holder.block(random.next() * state.slowMs);
    return step(operation, path, work);
  }

  /** The same in another thread; in the order of the calls. */
  function later<T>(operation: string, path: string, work: () => T): Promise<T> {
    if (holder.isDead()) return new Promise(() => {});
    return new Promise((resolve, reject) => {
      lastDueMs = Math.max(lastDueMs, nowMs() + 0.05 + (state.slowMs > 0 ? random.next() * state.slowMs : 0));
      holder.later(lastDueMs - nowMs(), () => {
        try {
          resolve(step(operation, path, work));
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  function descriptor(fd: number, operation: string): Descriptor {
    const found = descriptors.get(fd);
    if (found === undefined) throw systemError("EBADF", operation, String(fd));
    if (found.generation !== state.generation) throw systemError("ENOTCONN", operation, found.path);
    return found;
  }

  const pathOf = (fd: number) => descriptors.get(fd)?.path ?? String(fd);

  function refuseFull(more: number, operation: string, path: string): void {
    if (more > 0 && tree.bytes() + more > state.capacity) throw systemError("ENOSPC", operation, path);
  }

  function open(path: string, flags: string): number {
    let inode = tree.find(path);
    const creates = flags !== "r" && flags !== "r+";
    if (inode === null && !creates) tree.need(path, "open");
    if (inode !== null && flags.includes("x")) throw systemError("EEXIST", "open", path);
    if (inode !== null && inode.children !== null && flags !== "r") throw systemError("EISDIR", "open", path);
    if (inode === null) {
      if (state.isOutOfInodes) throw systemError("ENOSPC", "open", path);
      inode = tree.create(path);
    } else if (flags.startsWith("w")) tree.resize(inode, 0);
    const fd = nextDescriptor++;
    const appends = flags.startsWith("a");
    descriptors.set(fd, { inode, path, appends, mayWrite: flags !== "r", generation: state.generation, position: 0 });
    return fd;
  }

  /** A lock is the open file's, and goes with it. */
  function flock(fd: number, wish: string) {
    const { inode, generation } = descriptor(fd, "flock");
    const found = locks.get(inode);
    // Locks do not outlast the file system that they were taken in.
    const lock = found?.generation === generation ? found : undefined;
    const isOther = lock !== undefined && !lock.holder.isDead() && !(lock.holder === holder && lock.fd === fd);
    if (isOther) return { kind: wish === "unlock" ? "taken" : "held" };
    if (wish === "unlock") locks.delete(inode);
    else locks.set(inode, { holder, fd, generation });
    return { kind: "taken" };
  }

  function close(fd: number): void {
    const inode = descriptors.get(fd)?.inode;
    const lock = inode === undefined ? undefined : locks.get(inode);
    if (inode !== undefined && lock?.holder === holder && lock.fd === fd) locks.delete(inode);
    if (!descriptors.delete(fd)) throw systemError("EBADF", "close", String(fd));
  }

  function read(fd: number, target: Uint8Array, offset: number, length: number, position: number | null): number {
    const found = descriptor(fd, "read");
    const { inode, path } = found;
    if (inode.children !== null) throw systemError("EISDIR", "read", path);
    const from = position ?? found.position;
    const count = Math.max(0, Math.min(length, inode.size - from));
    target.set(inode.data.subarray(from, from + count), offset);
    if (position === null) found.position += count;
    return count;
  }

  /** On a full disk as much as fits is written; if no byte fits, it is ENOSPC. */
  function write(fd: number, content: Uint8Array, position: number | null): number {
    const found = descriptor(fd, "write");
    if (!found.mayWrite) throw systemError("EBADF", "write", found.path);
    const at = found.appends ? found.inode.size : (position ?? found.position);
    const more = Math.max(0, at + content.length - found.inode.size);
    const room = Math.max(0, state.capacity - tree.bytes());
    const count = more > room ? content.length - (more - room) : content.length;
    if (count <= 0 && content.length > 0) throw systemError("ENOSPC", "write", found.path);
    tree.write(found.inode, content.subarray(0, count), at);
    if (position === null) found.position = at + count;
    return count;
  }

  function syncContent(fd: number): void {
    const { inode, path } = descriptor(fd, "fsync");
    if (state.failingSyncs > 0 && inode.children === null) {
      state.failingSyncs--;
      // As Linux does: the error is told once, and the pages count as clean.
      const lost = Buffer.from(inode.data.subarray(0, inode.synced));
      inode.platter ??= lost;
      throw systemError("EIO", "fsync", path);
    }
    tree.sync(inode);
  }

  function truncate(fd: number, size: number): void {
    const { inode, path } = descriptor(fd, "ftruncate");
    refuseFull(size - inode.size, "ftruncate", path);
    tree.resize(inode, size);
  }

  function stats(inode: Inode) {
    const isFolder = inode.children !== null;
    const ms = Math.floor(inode.mtimeMs);
    const found = Object.create(isFolder ? folderFace : fileFace);
    found.dev = 7 + state.generation;
    found.ino = inode.id;
    found.size = isFolder ? blockBytes : inode.size;
    found.nlink = inode.links;
    found.mtimeMs = ms;
    found.ctimeMs = ms;
    found.birthtimeMs = ms;
    found.blocks = Math.ceil(inode.size / 512);
    return found;
  }

  function stat(path: string): object {
    return stats(tree.need(path, "stat"));
  }

  function statfs() {
    const total = 64 * 1024 * 1024;
    const capacity = Math.min(state.capacity, tree.bytes() + total * blockBytes);
    const free = Math.max(0, Math.floor((capacity - tree.bytes()) / blockBytes));
    const ffree = state.isOutOfInodes ? 0 : 1e6;
    return { type: 0xef53, bsize: blockBytes, blocks: total, bfree: free, bavail: free, files: 2e6, ffree };
  }

  function readFile(path: string | number, encoding: unknown): Buffer | string {
    const known = typeof path === "string" ? system.get(path) : undefined;
    const isText = encoding === "utf8" || (encoding as { encoding?: string } | undefined)?.encoding === "utf8";
    if (known !== undefined) return isText ? known : Buffer.from(known);
    const inode = typeof path === "number" ? descriptor(path, "read").inode : tree.need(path, "open");
    if (inode.children !== null) throw systemError("EISDIR", "read", String(path));
    const content = Buffer.from(inode.data.subarray(0, inode.size));
    return isText ? content.toString("utf8") : content;
  }

  function readdir(path: string, options?: { recursive?: boolean; withFileTypes?: boolean }): unknown[] {
    const folder = tree.need(path, "scandir");
    if (folder.children === null) throw systemError("ENOTDIR", "scandir", path);
    if (options?.withFileTypes !== true && options?.recursive !== true) return [...folder.children.keys()].sort();
    const found: unknown[] = [];
    const walk = (inode: Inode, at: string, below: string): void => {
      for (const [name, child] of [...(inode.children ?? [])].sort(([a], [b]) => (a < b ? -1 : 1))) {
        const isFolder = child.children !== null;
        const entry = {
          ...{ name, parentPath: at, path: at, isFile: () => !isFolder, isDirectory: () => isFolder },
          ...{ isSymbolicLink: () => false },
        };
        found.push(options.withFileTypes === true ? entry : below + name);
        if (isFolder && options.recursive === true) walk(child, `${at}/${name}`, `${below}${name}/`);
      }
    };
    walk(folder, path, "");
    return found;
  }

  function mkdir(path: string, options?: { recursive?: boolean }): string | undefined {
    const there = tree.find(path);
    if (there !== null && (options?.recursive !== true || there.children === null))
      throw systemError("EEXIST", "mkdir", path);
    if (there !== null) return undefined;
    if (options?.recursive !== true) tree.place(path, "mkdir");
    if (state.isOutOfInodes) throw systemError("ENOSPC", "mkdir", path);
    tree.makeFolders(path);
    return path;
  }

  function rmdir(path: string): void {
    const folder = tree.need(path, "rmdir");
    if (folder.children === null) throw systemError("ENOTDIR", "rmdir", path);
    if (folder.children.size > 0) throw systemError("ENOTEMPTY", "rmdir", path);
    tree.remove(path);
  }

  function unlink(path: string): void {
    if (tree.need(path, "unlink").children !== null) throw systemError("EISDIR", "unlink", path);
    tree.remove(path);
  }

  /** Each file of a folder is a step of its own. */
  function rm(path: string, options?: { recursive?: boolean; force?: boolean }): void {
    const inode = tree.find(path);
    if (inode === null) {
      if (options?.force === true) return;
      tree.need(path, "rm");
    } else if (inode.children === null) tree.remove(path);
    else if (options?.recursive === true) {
      for (const name of [...inode.children.keys()].sort())
        sync("unlink", `${path}/${name}`, () => rm(`${path}/${name}`, options));
      tree.remove(path);
    } else throw systemError("EISDIR", "rm", path);
  }

  function writeFile(
    path: string | number,
    content: string | Uint8Array,
    options?: { flag?: string; flush?: boolean },
  ): void {
    const bytes = typeof content === "string" ? Buffer.from(content) : content;
    const fd = typeof path === "number" ? path : open(path, options?.flag ?? "w");
    try {
      for (let at = 0; at < bytes.length; ) at += write(fd, bytes.subarray(at), null);
      if (options?.flush === true) syncContent(fd);
    } finally {
      if (typeof path !== "number") close(fd);
    }
  }

  function copyFile(from: string, to: string): void {
    const fd = /^\/proc\/self\/fd\/(\d+)$/.exec(from)?.[1];
    const inode = fd === undefined ? tree.need(from, "copyfile") : descriptor(Number(fd), "copyfile").inode;
    const content = Buffer.from(inode.data.subarray(0, inode.size));
    writeFile(to, content);
  }

  const opening = (flags: unknown) => (flags === "r" || flags === undefined ? "open" : "open for writing");

  function handle(fd: number) {
    const path = pathOf(fd);
    return {
      fd,
      sync: () => later("fsync", path, () => syncContent(fd)),
      datasync: () => later("fdatasync", path, () => syncContent(fd)),
      close: () => later("close", path, () => close(fd)),
      stat: () => later("fstat", path, () => stats(descriptor(fd, "fstat").inode)),
      truncate: (size: number) => later("ftruncate", path, () => truncate(fd, size)),
      readFile: (options?: unknown) => later("read", path, () => readFile(fd, options)),
      writeFile: (content: string | Uint8Array) => later("write", path, () => writeFile(fd, content)),
      appendFile: (content: string | Uint8Array) => later("write", path, () => writeFile(fd, content)),
      write: (content: string | Uint8Array, offset?: number | null, length?: number, position?: number | null) =>
        later("write", path, () => {
          const bytes = typeof content === "string" ? Buffer.from(content) : content;
          const from = offset ?? 0;
          const bytesWritten = write(
            fd,
            bytes.subarray(from, from + (length ?? bytes.length - from)),
            position ?? null,
          );
          return { bytesWritten, buffer: content };
        }),
      read: (target: Uint8Array, offset = 0, length = target.length - offset, position: number | null = null) =>
        later("read", path, () => ({ bytesRead: read(fd, target, offset, length, position), buffer: target })),
    };
  }

  type Done = (error: Error | null, value?: unknown) => void;

  function called(operation: string, path: string, work: () => unknown, done: Done): void {
    later(operation, path, work).then(
      (value) => done(null, value),
      (error: Error) => done(error),
    );
  }

  function stream(path: string, options: { highWaterMark?: number; start?: number; end?: number } = {}): Readable {
    let fd: number | null = null;
    let position = options.start ?? 0;
    const most = options.highWaterMark ?? 64 * 1024;
    return new Readable({
      highWaterMark: most,
      read() {
        const size = Math.min(most, (options.end ?? Number.POSITIVE_INFINITY) - position + 1);
        called(
          fd === null ? "open" : "read",
          path,
          () => {
            fd ??= open(path, "r");
            const left = descriptor(fd, "read").inode.size - position;
            const buffer = Buffer.alloc(Math.max(0, Math.min(size, left)));
            const count = read(fd, buffer, 0, size, position);
            position += count;
            return count === 0 ? null : buffer.subarray(0, count);
          },
          (error, value) => (error === null ? this.push(value as Buffer | null) : this.destroy(error)),
        );
      },
      destroy(error, done) {
        if (fd !== null) descriptors.delete(fd);
        done(error);
      },
    });
  }

  /** Bun's own sink writes to a regular file at once. */
  function sink(fd: number) {
    let held: Buffer[] = [];
    const flush = () => {
      const bytes = Buffer.concat(held);
      held = [];
      for (let at = 0; at < bytes.length; ) at += sync("write", pathOf(fd), () => write(fd, bytes.subarray(at), null));
      return bytes.length;
    };
    return {
      write(content: string | Uint8Array) {
        const bytes = Buffer.from(content as string);
        held.push(bytes);
        return bytes.length;
      },
      flush,
      end: () => (held.length > 0 ? flush() : 0),
      start() {},
      ref() {},
      unref() {},
    } as unknown as FileSink;
  }

  const statOr = (path: string, options?: { throwIfNoEntry?: boolean }) =>
    options?.throwIfNoEntry === false && tree.find(path) === null ? undefined : stat(path);

  const files = {
    sink,
    flock: (fd: number, wish: string) => sync("flock", pathOf(fd), () => flock(fd, wish)),
    accessSync: (path: string) => sync("access", path, () => void tree.need(path, "access")),
    close: (fd: number, done: Done = () => {}) => called("close", pathOf(fd), () => close(fd), done),
    closeSync: (fd: number) => sync("close", pathOf(fd), () => close(fd)),
    createReadStream: stream,
    existsSync(path: string) {
      try {
        return sync("access", path, () => tree.find(path) !== null);
      } catch (error) {
        if (holder.isDead()) throw error;
        return false;
      }
    },
    fdatasync: (fd: number, done: Done) => called("fdatasync", pathOf(fd), () => syncContent(fd), done),
    fdatasyncSync: (fd: number) => sync("fdatasync", pathOf(fd), () => syncContent(fd)),
    fstatSync: (fd: number) => sync("fstat", pathOf(fd), () => stats(descriptor(fd, "fstat").inode)),
    fstat: (fd: number, done: Done) => called("fstat", pathOf(fd), () => stats(descriptor(fd, "fstat").inode), done),
    fsync: (fd: number, done: Done) => called("fsync", pathOf(fd), () => syncContent(fd), done),
    fsyncSync: (fd: number) => sync("fsync", pathOf(fd), () => syncContent(fd)),
    ftruncate: (fd: number, size: number, done: Done) =>
      called("ftruncate", pathOf(fd), () => truncate(fd, size), done),
    ftruncateSync: (fd: number, size: number) => sync("ftruncate", pathOf(fd), () => truncate(fd, size)),
    mkdirSync: (path: string, options?: { recursive?: boolean }) => sync("mkdir", path, () => mkdir(path, options)),
    open(path: string, flags: string, mode: number | Done, done?: Done) {
      called(opening(flags), path, () => open(path, flags), (typeof mode === "function" ? mode : done) as Done);
    },
    openSync: (path: string, flags = "r") => sync(opening(flags), path, () => open(path, flags)),
    readFileSync: (path: string, encoding?: unknown) => sync("read", String(path), () => readFile(path, encoding)),
    readSync: (
      fd: number,
      target: Uint8Array,
      offset = 0,
      length = target.length - offset,
      position: number | null = null,
    ) => sync("read", pathOf(fd), () => read(fd, target, offset, length, position)),
    readdirSync: (path: string, options?: object) => sync("scandir", path, () => readdir(path, options)),
    linkSync: (from: string, to: string) => sync("link", to, () => tree.link(from, to)),
    renameSync: (from: string, to: string) => sync("rename", to, () => tree.rename(from, to)),
    rmSync: (path: string, options?: object) => sync("unlink", path, () => rm(path, options)),
    rmdirSync: (path: string) => sync("rmdir", path, () => rmdir(path)),
    statSync: (path: string, options?: object) => sync("stat", path, () => statOr(path, options)),
    lstatSync: (path: string, options?: object) => sync("stat", path, () => statOr(path, options)),
    statfsSync: (path: string) => sync("statfs", path, statfs),
    unlinkSync: (path: string) => sync("unlink", path, () => unlink(path)),
    write(fd: number, content: Uint8Array, offset: number, length: number, position: number | null, done: Done) {
      called("write", pathOf(fd), () => write(fd, content.subarray(offset, offset + length), position), done);
    },
    writeFileSync: (path: string | number, content: string | Uint8Array, options?: object) =>
      sync("write", String(path), () => writeFile(path, content, typeof options === "object" ? options : {})),
    writeSync(
      fd: number,
      content: string | Uint8Array,
      offset?: number | null,
      length?: number,
      position?: number | null,
    ) {
      const bytes = typeof content === "string" ? Buffer.from(content) : content;
      const isText = typeof content === "string";
      const from = isText ? 0 : (offset ?? 0);
      const at = isText ? offset : position;
      const size = isText ? bytes.length : (length ?? bytes.length - from);
      return sync("write", pathOf(fd), () => write(fd, bytes.subarray(from, from + size), at ?? null));
    },
    realpathSync: (path: string) => sync("stat", path, () => tree.need(path, "realpath") && path),
    async: {
      appendFile: (path: string, content: string | Uint8Array) =>
        later("write", path, () => writeFile(path, content, { flag: "a" })),
      copyFile: (from: string, to: string) => later("write", to, () => copyFile(from, to)),
      mkdir: (path: string, options?: object) => later("mkdir", path, () => mkdir(path, options)),
      open: (path: string, flags = "r") => later(opening(flags), path, () => handle(open(path, flags))),
      readFile: (path: string, encoding?: unknown) => later("read", path, () => readFile(path, encoding)),
      readdir: (path: string, options?: object) => later("scandir", path, () => readdir(path, options)),
      rename: (from: string, to: string) => later("rename", to, () => tree.rename(from, to)),
      rm: (path: string, options?: object) => later("unlink", path, () => rm(path, options)),
      rmdir: (path: string) => later("rmdir", path, () => rmdir(path)),
      stat: (path: string) => later("stat", path, () => stat(path)),
      statfs: (path: string) => later("statfs", path, statfs),
      unlink: (path: string) => later("unlink", path, () => unlink(path)),
      writeFile: (path: string, content: string | Uint8Array, options?: object) =>
        later("write", path, () => writeFile(path, content, typeof options === "object" ? options : {})),
    },
  };
  return files as unknown as Files;
}
