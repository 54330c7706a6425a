/** What the server, the page and messages know about one page of the dashboard. */
type PageFacts = {
  /** Its addresses below the recorder's root, shortest first; `:name` stands for a parameter. */
  readonly paths: readonly [string, ...string[]];
  /** The entry of the navigation that is marked while the page is shown, or null. An entry names itself. */
  readonly entry: string | null;
};

const pages = {
  overview: { paths: ["dashboard"], entry: "overview" },
  coverage: { paths: ["coverage"], entry: "coverage" },
  archive: { paths: ["archive"], entry: "archive" },
  history: { paths: ["history"], entry: "history" },
  day: { paths: ["coverage/:symbol", "coverage/:symbol/:date"], entry: "coverage" },
  orderbook: { paths: ["orderbook", "orderbook/:symbol"], entry: null },
  login: { paths: ["login"], entry: null },
} as const satisfies Readonly<Record<string, PageFacts>>;

/** A page of the dashboard. */
export type PageName = keyof typeof pages;

/** A page that has its own entry in the navigation. */
export type NavigationPage = { [P in PageName]: (typeof pages)[P]["entry"] extends P ? P : never }[PageName];

/** Parameters in the address of a page: `symbol`, `date`. */
export type PageParameters = Readonly<Record<string, string>>;

const pageNames = Object.keys(pages) as readonly PageName[];

/** The entries of the navigation, in their order. */
export const navigationPages = pageNames.filter(
  (page): page is NavigationPage => pages[page].entry === (page as string),
);

/** Every address of a page below the recorder's root: `coverage/:symbol`. */
export const pageRoutes: readonly string[] = pageNames.flatMap((page) => pages[page].paths);

/** The entry of the navigation that is marked while a page is shown, or null. */
export function navigationEntryOf(page: PageName): NavigationPage | null {
  return pages[page].entry;
}

/** Address of a page below the recorder's root: the longest that these parameters fill. */
export function pagePath(page: PageName, parameters: PageParameters = {}): string {
  const { paths }: PageFacts = pages[page];
  const path = paths.findLast((one) => parametersIn(one).every((name) => name in parameters)) ?? paths[0];
  return path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(parameters[name] ?? ""));
}

/** The page at an address below the recorder's root; null for an unknown address. */
export function pageAt(path: string): { readonly page: PageName; readonly parameters: PageParameters } | null {
  const parts = path.split("/").filter((part) => part !== "");
  for (const page of pageNames)
    for (const known of pages[page].paths) {
      const parameters = matchPath(known.split("/"), parts);
      if (parameters !== null) return { page, parameters };
    }
  return null;
}

function parametersIn(path: string): readonly string[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name = ""]) => name);
}

function matchPath(known: readonly string[], parts: readonly string[]): PageParameters | null {
  if (known.length !== parts.length) return null;
  const parameters: Record<string, string> = {};
  for (const [n, expected] of known.entries()) {
    const part = parts[n] ?? "";
    if (expected.startsWith(":")) parameters[expected.slice(1)] = decoded(part);
    else if (expected !== part) return null;
  }
  return parameters;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
