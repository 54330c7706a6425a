import type { ReadonlySignal } from "@preact/signals";

type Texts = Readonly<Record<"state" | "name" | "since" | "detail" | "problem", ReadonlySignal<string>>>;

/** One tie of the recorder to the outside: how it is, in a lamp and in words. `state` "open" is well; `problem` is in the recorder's own words. */
export function Tie({ texts: { state, name, since, detail, problem }, service }: { texts: Texts; service?: string }) {
  return (
    <li data-state={state} data-service={service}>
      <span class="lamp" aria-hidden="true" />
      <span class="host">{name}</span>
      <span class="since">{since}</span>
      <span class="quiet">{detail}</span>
      {problem.value !== "" && (
        <span class="error" lang="en">
          {problem}
        </span>
      )}
    </li>
  );
}
