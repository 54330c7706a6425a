import type { ComponentChildren } from "preact";
import { useErrorBoundary } from "preact/hooks";
import { follow, overviewPath } from "../../browser/route.ts";
import { t } from "../../words/i18n.ts";

/** Shows a message instead of a blank page if a view throws. */
export function Guarded({ children }: { children: ComponentChildren }) {
  const [error, reset] = useErrorBoundary((thrown) => console.error(thrown));
  if (error === undefined) return <>{children}</>;
  return (
    <section class="panel message" role="alert">
      <h1>{t("viewFailed")}</h1>
      <p class="soft">{t("viewFailedHint")}</p>
      <p>
        <button type="button" class="btn main" onClick={reset}>
          {t("tryAgain")}
        </button>
      </p>
    </section>
  );
}

/** Says that an address belongs to no page, or a date to no day. */
export function NoSuchPage({ sentence, hint }: { sentence: string; hint: string }) {
  return (
    <section class="panel message">
      <h1>{sentence}</h1>
      <p class="soft">{hint}</p>
      <p>
        <a class="btn main" href={overviewPath()} onClick={follow}>
          {t("toOverview")}
        </a>
      </p>
    </section>
  );
}
