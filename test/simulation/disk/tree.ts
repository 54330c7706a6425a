import type { Random } from "../random.ts";

/** A file or folder; its name lies in the folders that hold it. */
export type Inode = {
  readonly id: number;
  readonly children: Map<string, Inode> | null;
  /** Names as they are on the platter; null for a file. */
  readonly durable: Map<string, Inode> | null;
  data: Buffer;
  size: number;
  /** Bytes of `data` that are on the platter, unless `platter` says otherwise. */
  synced: number;
  /** The content on the platter if it is not a beginning of `data`. */
  platter: Buffer | null;
  mtimeMs: number;
  /** When it last changed, true ms. */
  changedMs: number;
  links: number;
};

/** Changes of names that are not on the platter yet; a group is applied as a whole. */
type Change = { readonly folder: Inode; readonly name: string; readonly inode: Inode | null };

/** A tree of files in memory that knows the remains after a power loss. It does not inject faults. */
export type Tree = ReturnType<typeof createTree>;

/** An error as the system gives it. */
export function systemError(code: string, operation: string, path: string): Error & { code: string; path: string } {
  // A stack costs more than the call that fails, and the program does not read it.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  const error = new Error(`${code}: ${words[code] ?? "it failed"}, ${operation} '${path}'`);
  Error.stackTraceLimit = stackTraceLimit;
  return Object.assign(error, { code, path, errno: -1, syscall: operation });
}

const words: Record<string, string> = {
  ENOENT: "no such file or directory",
  EEXIST: "file already exists",
  ENOTDIR: "not a directory",
  EISDIR: "illegal operation on a directory",
  ENOTEMPTY: "directory not empty",
  ENOSPC: "no space left on device",
  EIO: "i/o error",
  EROFS: "read-only file system",
  ENOTCONN: "socket is not connected",
  EBADF: "bad file descriptor",
};

/** An empty tree. */
export function createTree(nowMs: () => number, trueMs: () => number) {
  let nextId = 100;
  const root = createInode(true);
  /** In their order, with when they were made. By folder and by inode as well: a sync asks for few of many. */
  const pending = new Map<readonly Change[], number>();
  const pendingOf = new WeakMap<Inode, Set<readonly Change[]>>();
  let bytes = 0;

  function createInode(isFolder: boolean): Inode {
    return {
      id: nextId++,
      children: isFolder ? new Map() : null,
      durable: isFolder ? new Map() : null,
      data: nothing,
      size: 0,
      synced: 0,
      platter: null,
      mtimeMs: nowMs(),
      changedMs: trueMs(),
      links: 1,
    };
  }

  /** Counts changes of names: a path that was looked up since the last change need not be walked again. */
  let version = 0;
  const knownPaths = new Map<string, { readonly parts: readonly string[]; inode: Inode | null; version: number }>();

  function knownPath(path: string) {
    let known = knownPaths.get(path);
    if (known === undefined) {
      if (knownPaths.size > 10_000) knownPaths.clear();
      known = { parts: partsIn(path), inode: null, version: -1 };
      knownPaths.set(path, known);
    }
    return known;
  }

  const partsOf = (path: string) => knownPath(path).parts;

  function partsIn(path: string): readonly string[] {
    const parts: string[] = [];
    for (const part of path.split("/")) {
      if (part === "" || part === ".") continue;
      if (part === "..") parts.pop();
      else parts.push(part);
    }
    return parts;
  }

  function find(path: string): Inode | null {
    const known = knownPath(path);
    if (known.version !== version) {
      known.inode = walk(known.parts);
      known.version = version;
    }
    return known.inode;
  }

  function walk(parts: readonly string[]): Inode | null {
    let at: Inode | undefined = root;
    for (const part of parts) {
      at = at.children?.get(part);
      if (at === undefined) return null;
    }
    return at;
  }

  function need(path: string, operation: string): Inode {
    const inode = find(path);
    if (inode === null) throw systemError(hasFileAbove(path) ? "ENOTDIR" : "ENOENT", operation, path);
    return inode;
  }

  function hasFileAbove(path: string): boolean {
    const parts = partsOf(path);
    for (let at: Inode | undefined = root, n = 0; at !== undefined && n < parts.length; n++) {
      if (at.children === null) return true;
      at = at.children.get(parts[n] ?? "");
    }
    return false;
  }

  /** The folder of a path and the name in it. */
  function place(path: string, operation: string): { folder: Inode; name: string } {
    const parts = partsOf(path).slice();
    const name = parts.pop() ?? "";
    const folder = need(`/${parts.join("/")}`, operation);
    if (folder.children === null) throw systemError("ENOTDIR", operation, path);
    return { folder, name };
  }

  function change(group: readonly Change[]): void {
    version++;
    for (const { folder, name, inode } of group) {
      const before = folder.children?.get(name);
      if (before !== undefined && before !== inode) drop(before);
      if (inode === null) folder.children?.delete(name);
      else folder.children?.set(name, inode);
      folder.mtimeMs = nowMs();
    }
    pending.set(group, trueMs());
    for (const { folder, inode } of group) {
      for (const about of inode === null ? [folder] : [folder, inode]) {
        const groups = pendingOf.get(about) ?? new Set();
        pendingOf.set(about, groups.add(group));
      }
    }
  }

  function drop(inode: Inode): void {
    inode.links--;
    if (inode.children === null && inode.links <= 0) bytes -= inode.size;
  }

  function commit(group: readonly Change[]): void {
    for (const { folder, name, inode } of group) {
      if (inode === null) folder.durable?.delete(name);
      else folder.durable?.set(name, inode);
    }
  }

  /** Moves the pending changes of a folder, or of a file's names, to the platter. */
  function commitAbout(about: Inode): void {
    for (const group of pendingOf.get(about) ?? []) {
      if (pending.delete(group)) commit(group);
    }
    pendingOf.delete(about);
  }

  function resize(inode: Inode, size: number): void {
    if (size < inode.synced && inode.platter === null)
      inode.platter = Buffer.from(inode.data.subarray(0, inode.synced));
    if (size > inode.data.length) grow(inode, size);
    if (size > inode.size) inode.data.fill(0, inode.size, size);
    if (inode.links > 0) bytes += size - inode.size;
    inode.size = size;
    inode.synced = Math.min(inode.synced, size);
    inode.mtimeMs = nowMs();
    inode.changedMs = trueMs();
  }

  function grow(inode: Inode, least: number): void {
    const data = Buffer.allocUnsafeSlow(Math.max(least, inode.data.length * 2, 512));
    inode.data.copy(data, 0, 0, inode.size);
    inode.data = data;
  }

  return {
    find,
    need,
    place,
    bytes: () => bytes,
    /**
     * Makes the folders of a path, durably: the simulator does not doubt a `mkdir`. Earlier changes of the folder above are on the platter
     * then too, as a file system writes the changes of a folder in their order. A removed folder of the same name thus stays removed.
     */
    makeFolders(path: string): void {
      let at = root;
      version++;
      for (const part of partsOf(path)) {
        let next = at.children?.get(part);
        if (next === undefined) {
          if (at.children === null) throw systemError("ENOTDIR", "mkdir", path);
          next = createInode(true);
          commitAbout(at);
          at.children.set(part, next);
          at.durable?.set(part, next);
        } else if (next.children === null) throw systemError("ENOTDIR", "mkdir", path);
        at = next;
      }
    },
    create(path: string): Inode {
      const { folder, name } = place(path, "open");
      const inode = createInode(false);
      change([{ folder, name, inode }]);
      return inode;
    },
    rename(from: string, to: string): void {
      const inode = need(from, "rename");
      const source = place(from, "rename");
      const target = place(to, "rename");
      if (find(to) === inode) return;
      const there = find(to);
      if (there !== null && there.children !== null && there.children.size > 0)
        throw systemError("ENOTEMPTY", "rename", to);
      inode.links++;
      change([
        { ...source, inode: null },
        { ...target, inode },
      ]);
    },
    link(from: string, to: string): void {
      const inode = need(from, "link");
      if (find(to) !== null) throw systemError("EEXIST", "link", to);
      inode.links++;
      change([{ ...place(to, "link"), inode }]);
    },
    remove(path: string): void {
      need(path, "unlink");
      change([{ ...place(path, "unlink"), inode: null }]);
    },
    write(inode: Inode, content: Uint8Array, at: number): void {
      const end = at + content.length;
      if (at < inode.synced && inode.platter === null)
        inode.platter = Buffer.from(inode.data.subarray(0, inode.synced));
      if (end > inode.size) resize(inode, end);
      inode.data.set(content, at);
      inode.mtimeMs = nowMs();
      inode.changedMs = trueMs();
    },
    resize,
    /** What of it is on the platter from now on, its name included (as ext4, XFS and btrfs do for a new file). */
    sync(inode: Inode): void {
      if (inode.children !== null) {
        commitAbout(inode);
        return;
      }
      inode.synced = inode.size;
      inode.platter = null;
      commitAbout(inode);
    },
    /** The power goes: of names and contents that were not synced some stay, some go, some stay in part. */
    losePower(random: Random): void {
      const keeps = new Map<Inode, number>();
      for (const [group, sinceMs] of pending) {
        const [first] = group;
        if (first === undefined) continue;
        // Within a folder changes reach the platter in their order; between folders the order is free.
        if (!keeps.has(first.folder))
          keeps.set(first.folder, random.chance(0.4) ? 0 : random.chance(0.5) ? 1e9 : random.between(0, 3));
        if (trueMs() - sinceMs > writebackMs) {
          commit(group);
          continue;
        }
        const left = Math.min(...group.map(({ folder }) => keeps.get(folder) ?? 0));
        for (const { folder } of group) keeps.set(folder, left > 0 ? left - 1 : 0);
        if (left > 0) commit(group);
      }
      pending.clear();
      version++;
      bytes = 0;
      settle(root, new Set());

      function settle(folder: Inode, seen: Set<Inode>): void {
        folder.children?.clear();
        for (const [name, inode] of folder.durable ?? []) {
          folder.children?.set(name, inode);
          if (seen.has(inode)) continue;
          seen.add(inode);
          inode.links = 1;
          if (inode.children !== null) settle(inode, seen);
          else loseContent(inode);
        }
      }

      function loseContent(inode: Inode): void {
        const isChanged = inode.platter !== null || inode.synced < inode.size;
        if (isChanged && trueMs() - inode.changedMs <= writebackMs && random.chance(0.7)) {
          if (inode.platter !== null) {
            inode.data = Buffer.from(inode.platter);
            inode.size = inode.data.length;
          } else {
            const size = random.chance(0.5) ? inode.synced : random.between(inode.synced, inode.size);
            // Blocks that were allocated and never written hold NULs.
            if (random.chance(0.2)) inode.data.fill(0, size, inode.size);
            else inode.size = size;
          }
        }
        inode.synced = inode.size;
        inode.platter = null;
        bytes += inode.size;
      }
    },
    /** Every file with its path, sorted. */
    files(path: string): { path: string; inode: Inode }[] {
      const found: { path: string; inode: Inode }[] = [];
      const walk = (folder: Inode, at: string): void => {
        for (const [name, inode] of [...(folder.children ?? [])].sort(([a], [b]) => (a < b ? -1 : 1))) {
          if (inode.children === null) found.push({ path: `${at}/${name}`, inode });
          else walk(inode, `${at}/${name}`);
        }
      };
      const folder = find(path);
      if (folder !== null) walk(folder, path === "/" ? "" : path);
      return found;
    },
  };
}

const nothing = Buffer.alloc(0);

/** The system writes everything to the platter by itself after this time, ms. */
const writebackMs = 35_000;
