import { defineConfig } from "vite";

// Nothing inline and no eval: the server's Content-Security-Policy allows neither.
export default defineConfig({
  base: "/",
  build: {
    outDir: "built",
    emptyOutDir: true,
    manifest: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 200,
  },
  server: { proxy: { "/api": "http://127.0.0.1:8700" } },
});
