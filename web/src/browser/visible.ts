import type { Signal } from "@preact/signals";

const watched = new WeakMap<Element, Signal<boolean>>();

/** One observer for all: an element counts as visible a screen's half before it is. */
const observer = new IntersectionObserver(
  (changes) => {
    for (const { target, isIntersecting } of changes) {
      const visible = watched.get(target);
      if (visible !== undefined) visible.value = isIntersecting;
    }
  },
  { rootMargin: "50% 0%" },
);

/** Keeps a signal true while an element is on the screen or near it; returns how to end that. */
export function watchVisible(element: Element, visible: Signal<boolean>): () => void {
  watched.set(element, visible);
  observer.observe(element);
  return () => {
    observer.unobserve(element);
    watched.delete(element);
  };
}
