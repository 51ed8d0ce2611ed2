// Unit tests run without a browser; what needs one is tested in tests/browser.
import { defineConfig } from "vitest/config";

export default defineConfig({ test: { include: ["test/**/*.test.ts"] } });
