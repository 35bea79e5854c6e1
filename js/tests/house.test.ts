/// <reference types="vite/types/importMeta.d.ts" />
import { describe, expect, it } from "vitest";

/** The folders of js/src from the ground up: files import from their own floor and from those below it. */
const FLOORS = ["math", "kernel", "state", "canvas", "view"];

const SOURCES = Object.entries(
  import.meta.glob<string>("../src/**/*.{ts,tsx}", { eager: true, query: "?raw", import: "default" }),
).map(([path, text]) => [path.replace("../src/", ""), text] as const);
const FILES = SOURCES.map(([path]) => path);

/** The file that an import of another one names. */
function resolve(from: string, to: string): string {
  const { pathname } = new URL(to, `file:///${from}`);
  const path = decodeURI(pathname.slice(1));
  const names = [path, `${path}.ts`, `${path}.tsx`, `${path}/index.ts`];
  const file = names.find((name) => FILES.includes(name));
  if (!file) throw new Error(`${from} imports ${to}, which is not there`);
  return file;
}

/** What each file imports of the others, types included. */
const IMPORTS = new Map(
  SOURCES.map(([path, text]) => {
    const names = [...text.matchAll(/(?:from|import)\s*\(?"(\.[^"]+)"/g)].map((match) => match[1]);
    return [path, names.filter((name) => !name.endsWith(".css")).map((name) => resolve(path, name))] as const;
  }),
);

const floorOf = (path: string) => {
  const floor = FLOORS.indexOf(path.split("/")[0]);
  return floor < 0 ? FLOORS.length : floor;
};

describe("the imports of js/src", () => {
  it("are found", () => {
    expect(IMPORTS.get("widget.ts")).toContain("view/app.tsx");
    expect(IMPORTS.get("state/store.ts")).toContain("kernel/protocol.ts");
    expect([...IMPORTS.values()].flat().length).toBeGreaterThan(150);
  });

  it("never run up", () => {
    const up = [...IMPORTS].flatMap(([from, names]) =>
      names.filter((to) => floorOf(to) > floorOf(from)).map((to) => `${from} -> ${to}`),
    );
    expect(up).toEqual([]);
  });

  it("make no circle", () => {
    const finished = new Set<string>();
    const visit = (path: string, trail: string[]): string[] => {
      if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
      if (finished.has(path)) return [];
      for (const next of IMPORTS.get(path) ?? []) {
        const circle = visit(next, [...trail, path]);
        if (circle.length > 0) return circle;
      }
      finished.add(path);
      return [];
    };
    expect(FILES.map((path) => visit(path, [])).filter((circle) => circle.length > 0)).toEqual([]);
  });
});

describe("a name", () => {
  const twice = (names: string[]) => [...new Set(names.filter((name, i) => names.indexOf(name) !== i))];

  it("of a file is one file's", () => {
    expect(twice(FILES.map((path) => (path.split("/").at(-1) ?? "").replace(/\.tsx?$/, "").toLowerCase()))).toEqual([]);
  });

  it("of a class, a type or a component is one thing's", () => {
    const declared =
      /^(?:export )?(?:default )?(?:abstract )?(?:class|interface|type|function|const) ([A-Z]\w*[a-z]\w*)/gm;
    expect(twice(SOURCES.flatMap(([, text]) => [...text.matchAll(declared)].map((match) => match[1])))).toEqual([]);
  });
});
