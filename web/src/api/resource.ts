import { type ReadonlySignal, signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { Answer } from "./api.ts";

/** Something read from the recorder now and then. What was read stays while a later reading fails. */
export type Resource<T> = {
  /** The newest answer, or null while there is none. */
  readonly value: ReadonlySignal<T | null>;
  /** Code of the error that the last reading came to, "loading" before the first, or null. */
  readonly trouble: ReadonlySignal<string | null>;
  /** Reads now. */
  renew(): void;
};

/** Reads at once, when `key` changes, and every `everyMs` while the page is looked at. */
export function useResource<T>(key: string, everyMs: number, read: () => Promise<Answer<T>>): Resource<T> {
  const resource = useMemo(() => createResource(read), [key]);
  useEffect(() => {
    resource.renew();
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") resource.renew();
    }, everyMs);
    return () => {
      clearInterval(timer);
      resource.stop();
    };
  }, [resource, everyMs]);
  return resource;
}

function createResource<T>(read: () => Promise<Answer<T>>) {
  const value = signal<T | null>(null);
  const trouble = signal<string | null>("loading");
  let reading = false;
  let stopped = false;
  async function renew(): Promise<void> {
    if (reading) return;
    reading = true;
    const answer = await read();
    reading = false;
    if (stopped) return;
    if (answer.ok) value.value = answer.value;
    trouble.value = answer.ok ? null : answer.code;
  }
  return {
    value,
    trouble,
    renew: () => void renew(),
    stop: () => {
      stopped = true;
    },
  };
}
