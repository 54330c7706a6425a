import { navigationEntryOf, navigationPages, type PageName, pagePath } from "../../../../server/domain/pages.ts";
import type { Language } from "../../../../server/text/language.ts";
import { pageNames } from "../../../../server/text/page-names.ts";
import { loggedIn, logOut } from "../../api/session.ts";
import { address, follow, overviewPath } from "../../browser/route.ts";
import { nextTheme, theme } from "../../browser/theme.ts";
import { isPhone } from "../../browser/width.ts";
import { chooseZone, localPlace, zone } from "../../present/time.ts";
import { choose, language, t } from "../../words/i18n.ts";
import { Brand, PageIcon } from "./icons.tsx";
import { Menu } from "./menu.tsx";

const languages: readonly { code: Language; short: string; name: string }[] = [
  { code: "en", short: "EN", name: "English" },
  { code: "ko", short: "한", name: "한국어" },
];

/** The bar at the top: where to go, and the choices that are made once. */
export function TopBar({ page }: { page: PageName | "unknown" }) {
  return (
    <header class="top">
      <a class="brand" href={overviewPath()} onClick={follow}>
        <Brand />
        <span>RT-Data</span>
      </a>
      {page === "login" ? null : <Navigation page={page} />}
      <Tools />
    </header>
  );
}

/** On a phone all but the language are in a menu. */
function Tools() {
  const isSmall = isPhone.value;
  const choices = (
    <>
      <ZoneChoice />
      <ThemeButton isNamed={isSmall} />
    </>
  );
  const logOutButton = loggedIn.value && (
    <button type="button" class="btn plain" onClick={() => void logOut()}>
      {t("logOut")}
    </button>
  );
  return (
    <div class="tools">
      {!isSmall && choices}
      <Languages />
      {!isSmall && logOutButton}
      {isSmall && (
        <Menu label="⋯" name={t("moreChoices")} look="btn plain">
          {choices}
          {logOutButton}
        </Menu>
      )}
    </div>
  );
}

function Navigation({ page }: { page: PageName | "unknown" }) {
  const entry = page === "unknown" ? null : page === "orderbook" ? "overview" : navigationEntryOf(page);
  return (
    <nav class="nav" aria-label={t("views")}>
      {navigationPages.map((name) => (
        <a
          key={name}
          href={address(pagePath(name))}
          onClick={follow}
          aria-current={name === entry ? "page" : undefined}
        >
          <PageIcon page={name} />
          {pageNames[name][language.value]}
        </a>
      ))}
    </nav>
  );
}

function ZoneChoice() {
  return (
    <label class="pick">
      <span>{t("times")}</span>
      <select
        aria-label={t("times")}
        value={zone.value}
        onChange={(event) => chooseZone(event.currentTarget.value === "local" ? "local" : "utc")}
      >
        <option value="utc">UTC</option>
        <option value="local">{localPlace()}</option>
      </select>
    </label>
  );
}

function ThemeButton({ isNamed = false }: { isNamed?: boolean }) {
  const name = t(theme.value === "system" ? "themeSystem" : theme.value === "light" ? "themeLight" : "themeDark");
  const label = t("theme", { name });
  return (
    <button type="button" class="btn plain" title={label} aria-label={label} onClick={nextTheme}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <circle cx="8" cy="8" r="5.5" fill="none" stroke="currentColor" stroke-width="1.5" />
        {theme.value !== "light" && (
          <path
            d={theme.value === "dark" ? "M8 2.5a5.5 5.5 0 010 11 5.5 5.5 0 010-11z" : "M8 2.5a5.5 5.5 0 010 11z"}
            fill="currentColor"
          />
        )}
      </svg>
      {isNamed && label}
    </button>
  );
}

function Languages() {
  return (
    <fieldset class="seg" aria-label={t("language")}>
      {languages.map(({ code, short, name }) => (
        <button
          key={code}
          type="button"
          lang={code}
          title={name}
          aria-pressed={language.value === code}
          onClick={() => choose(code)}
        >
          {short}
          <span class="unseen"> {name}</span>
        </button>
      ))}
    </fieldset>
  );
}
