import { useSignal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";

/** A part of the page that is loaded when it is first shown. */
export type Later<P> = ComponentType<P> & {
  /** Loads the part ahead of its first use. A failure counts only when the part is shown. */
  readonly load: () => Promise<void>;
};

/** Makes a component of a module that is loaded on demand. Throws into the nearest boundary if it cannot be loaded. */
export function later<P extends object>(read: () => Promise<ComponentType<P>>): Later<P> {
  let known: ComponentType<P> | null = null;
  const load = async () => {
    known ??= await read();
  };
  function Part(props: P) {
    const failure = useSignal<unknown>(null);
    const isLoaded = useSignal(known !== null);
    useEffect(() => {
      if (isLoaded.value) return;
      load().then(
        () => {
          isLoaded.value = true;
        },
        (error: unknown) => {
          failure.value = error ?? new Error("the part cannot be loaded");
        },
      );
    }, []);
    if (failure.value !== null) throw failure.value;
    if (!isLoaded.value || known === null) return null;
    const Shown = known;
    return <Shown {...props} />;
  }
  return Object.assign(Part, { load: () => load().catch(() => {}) });
}
