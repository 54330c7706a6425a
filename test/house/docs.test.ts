import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { Glob } from "bun";
import { root } from "./graph.ts";

const read = (path: string) => readFileSync(join(root, path), "utf8");

/** Every Markdown file of the repository, as paths from the top. */
const pages: readonly string[] = ["*.md", "{.github,ops,server,test,web}/**/*.md"]
  .flatMap((pattern) => [...new Glob(pattern).scanSync({ cwd: root, dot: true })])
  .filter((path) => !/node_modules|\/dist\/|\.tmp\//.test(path))
  .sort();

const rooms: readonly string[] = [
  ...readdirSync(join(root, "server"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== "decisions")
    .map(({ name }) => `server/${name}`),
  "web/src",
  "test",
];

/** Names of a page's headings as GitHub puts them into addresses. */
function anchorsOf(path: string): string[] {
  const prose = read(path).replace(/^```.*?^```/gms, "");
  return [...prose.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

for (const room of rooms) {
  describe(`${room}/README.md`, () => {
    test("says in a few lines what the room is for", () => {
      expect(existsSync(join(root, room, "README.md"))).toBe(true);
      expect(read(`${room}/README.md`).split("\n").length).toBeLessThanOrEqual(40);
    });

    test("names only files that are there", () => {
      const named = [...read(`${room}/README.md`).matchAll(/`([\w./-]+\.tsx?)`/g)].map(([, name = ""]) => name);
      const places = [room, dirname(room), "."];
      expect(named.filter((name) => !places.some((place) => existsSync(join(root, place, name))))).toEqual([]);
    });
  });
}

test("every link between pages leads to a file, and to a heading that it has", () => {
  const broken = pages.flatMap((page) => {
    const prose = read(page).replace(/^```.*?^```/gms, "");
    return [...prose.matchAll(/\]\((?!https?:|mailto:)([^)\s]*)\)/g)].flatMap(([, link = ""]) => {
      const [file = "", anchor] = link.split("#");
      const path = file === "" ? page : relative(root, join(root, dirname(page), file));
      if (!existsSync(join(root, path))) return [`${page}: ${link}`];
      if (anchor === undefined || !path.endsWith(".md")) return [];
      return anchorsOf(path).includes(decodeURIComponent(anchor)) ? [] : [`${page}: ${link}`];
    });
  });
  expect(pages).toContain("README.md");
  expect(broken).toEqual([]);
});

test("every path of the repository that a page names is there", () => {
  const gone = pages.flatMap((page) =>
    [...read(page).matchAll(/`((?:server|web|test|ops)\/[\w./-]+)`/g)]
      .map(([, path = ""]) => path)
      .filter((path) => !path.startsWith("web/dist") && !existsSync(join(root, path)))
      .map((path) => `${page}: ${path}`),
  );
  expect(gone).toEqual([]);
});

test("every decision has a context, a decision and consequences, and is in the list", () => {
  const decisions = pages.filter((page) => /^server\/decisions\/\d{4}-/.test(page));
  const list = read("server/decisions/README.md");
  for (const page of decisions) {
    expect([page, ...anchorsOf(page).slice(1)]).toEqual([page, "context", "decision", "consequences"]);
    expect(list).toContain(`(${page.split("/").at(-1)})`);
  }
});
