import { type ReadonlySignal, signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { Page } from "../../../server/domain/queries.ts";
import type { Answer } from "./api.ts";

/** A list that is read page by page. */
export type Pages<Item> = {
  readonly items: ReadonlySignal<readonly Item[]>;
  readonly hasMore: ReadonlySignal<boolean>;
  /** Code of the error of the last reading, "loading" while it is under way, or null. */
  readonly trouble: ReadonlySignal<string | null>;
  more(): void;
};

/** Reads the first page at once and anew when `key` changes; a failed page is tried again after a while. */
export function usePages<Item>(key: string, read: (after: string | null) => Promise<Answer<Page<Item>>>): Pages<Item> {
  const pages = useMemo(() => createPages(read), [key]);
  useEffect(() => {
    pages.more();
    return pages.stop;
  }, [pages]);
  return pages;
}

const retryMs = 5000;

function createPages<Item>(read: (after: string | null) => Promise<Answer<Page<Item>>>) {
  const items = signal<readonly Item[]>([]);
  const hasMore = signal(false);
  const trouble = signal<string | null>("loading");
  let next: string | null = null;
  let reading = false;
  let stopped = false;
  let retry: ReturnType<typeof setTimeout> | undefined;

  async function more(): Promise<void> {
    if (reading || stopped) return;
    clearTimeout(retry);
    reading = true;
    const answer = await read(next);
    reading = false;
    if (stopped) return;
    trouble.value = answer.ok ? null : answer.code;
    if (!answer.ok) {
      retry = setTimeout(() => void more(), retryMs);
      return;
    }
    items.value = [...items.value, ...answer.value.items];
    next = answer.value.next;
    hasMore.value = next !== null;
  }

  return {
    items,
    hasMore,
    trouble,
    more: () => void more(),
    stop: () => {
      stopped = true;
      clearTimeout(retry);
    },
  };
}
