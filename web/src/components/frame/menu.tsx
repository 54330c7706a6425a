import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

type Props = { label: ComponentChildren; name?: string; look?: string; children: ComponentChildren };

/** A button that opens a short list; a press outside, Escape or a choice closes it. `name` is spoken instead of the label. */
export function Menu({ label, name, look = "btn", children }: Props) {
  const box = useRef<HTMLDetailsElement>(null);
  const isOpen = useSignal(false);
  useEffect(() => {
    const close = (event: Event) => {
      if (event.target instanceof Node && box.current?.contains(event.target)) return;
      if (box.current !== null) box.current.open = false;
    };
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || box.current?.open !== true) return;
      box.current.open = false;
      box.current.querySelector("summary")?.focus();
    };
    document.addEventListener("pointerdown", close);
    document.addEventListener("keydown", onKey);
    return () => {
      document.removeEventListener("pointerdown", close);
      document.removeEventListener("keydown", onKey);
    };
  }, []);
  return (
    <details
      ref={box}
      class="menu"
      onToggle={(event) => {
        isOpen.value = event.currentTarget.open;
      }}
    >
      <summary class={look} aria-label={name}>
        {label}
      </summary>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: its buttons are what is pressed */}
      <div
        class="menu-list"
        onClick={(event) => {
          if (event.target instanceof Element && event.target.closest("a, button") !== null && box.current !== null)
            box.current.open = false;
        }}
        onKeyDown={() => {}}
      >
        {isOpen.value && children}
      </div>
    </details>
  );
}
