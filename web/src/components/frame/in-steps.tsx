import { useSignal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";

/** Draws parts one after the other. The browser can answer between two parts: all at once would keep a phone busy. */
export function InSteps({ parts }: { parts: readonly ComponentType[] }) {
  const drawn = useSignal(1);
  useEffect(() => {
    if (drawn.value >= parts.length) return;
    const timer = setTimeout(() => {
      drawn.value++;
    });
    return () => clearTimeout(timer);
  }, [drawn.value]);
  return (
    <>
      {parts.slice(0, drawn.value).map((Part, n) => (
        <Part key={n} />
      ))}
    </>
  );
}
