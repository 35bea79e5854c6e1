import { defineConfig } from "vitest/config";

/** The floors lie a point below what is measured: raise them with it. Layout and pixels are for the browser tests. */
export default defineConfig({
  test: {
    coverage: {
      provider: "v8",
      include: ["src/**/*.{ts,tsx}"],
      reporter: ["text"],
      thresholds: { branches: 87, "src/{math,kernel,state}/**": { branches: 93 } },
    },
  },
});
