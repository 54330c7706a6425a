import { signal } from "@preact/signals";

const query = matchMedia("(max-width: 720px)");

/** True on a screen as narrow as a phone's. */
export const isPhone = signal(query.matches);
query.addEventListener("change", () => {
  isPhone.value = query.matches;
});
