import { zstdDecompressSync } from "node:zlib";
import type { Tree } from "../disk/tree.ts";

/** A record as it lies in a file. */
export type Stored = { readonly recvUs: number; readonly payload: string; readonly isRefetched: boolean };

/** A file of records. `problem`: it is not what a file of ours may be. */
export type StoredFile = {
  readonly path: string;
  readonly stream: string;
  readonly symbol: string;
  readonly date: string;
  readonly records: readonly Stored[];
  readonly problem: string | null;
};

const line = /^\{"recv_us":(\d+),"net_delay_ms":(?:null|-?[\d.]+)(,"repaired":true)?(?:,(?=")|(?=\}))/;

/** Reads every file of records below a folder; knows the format by the documentation, not by code of the program. */
export function readRecords(tree: Tree, folder: string): readonly StoredFile[] {
  return tree.files(folder).flatMap(({ path, inode }): StoredFile[] => {
    const name = /\/stream=([^/]+)\/symbol=([^/]+)\/date=([^/]+)\/[^/]+\.jsonl(\.zst)?$/.exec(path);
    if (name === null) return [];
    const [, stream = "", symbol = "", date = "", isZstd] = name;
    const file = { path, stream, symbol, date };
    try {
      const bytes = inode.data.subarray(0, inode.size);
      const text = (isZstd === undefined ? bytes : zstdDecompressSync(bytes)).toString("utf8");
      const rows = text.split("\n");
      if (rows.pop() !== "") return [{ ...file, records: [], problem: "its last line is torn" }];
      const records = rows.map((row) => {
        const head = line.exec(row);
        if (head === null) throw new Error(`no line of ours: ${row.slice(0, 80)}`);
        return {
          recvUs: Number(head[1]),
          payload: `{${row.slice(head[0].length)}`,
          isRefetched: head[2] !== undefined,
        };
      });
      return [{ ...file, records, problem: null }];
    } catch (error) {
      return [{ ...file, records: [], problem: String(error) }];
    }
  });
}

/** A gap as it is written down; null for what the ids cannot tell. */
export type StoredGap = {
  readonly stream: string;
  readonly symbol: string;
  readonly from_us: number;
  readonly to_us: number;
  readonly cause: string;
  readonly missing: number | null;
  readonly repaired: number;
};

/** The gaps of all manifests below a folder. */
export function readManifestGaps(tree: Tree, folder: string): readonly StoredGap[] {
  return tree.files(folder).flatMap(({ path, inode }) => {
    if (!path.endsWith(".manifest.json")) return [];
    const { stream, symbol, gaps } = JSON.parse(inode.data.toString("utf8", 0, inode.size)) as {
      stream: string;
      symbol: string;
      gaps: StoredGap[];
    };
    return gaps.map((gap) => ({ ...gap, stream, symbol }));
  });
}

/** The gaps of a journal: each as its newest line says, its end never earlier than in a line before. Damaged lines are ignored. */
export function readJournalGaps(tree: Tree, path: string): readonly StoredGap[] {
  const inode = tree.find(path);
  const found = new Map<string, StoredGap>();
  for (const row of (inode?.data.toString("utf8", 0, inode.size) ?? "").split("\n")) {
    const [, checksum, text = ""] = /^([0-9a-f]{8}) (\d+ \{.*)$/.exec(row) ?? [];
    if (checksum === undefined || Bun.hash.crc32(text).toString(16).padStart(8, "0") !== checksum) continue;
    const { kind, gap } = JSON.parse(text.slice(text.indexOf("{"))) as { kind: string; gap: StoredGap };
    if (kind !== "gap") continue;
    const key = `${gap.stream}/${gap.symbol}/${gap.from_us}`;
    found.set(key, { ...gap, to_us: Math.max(gap.to_us, found.get(key)?.to_us ?? 0) });
  }
  return [...found.values()];
}
