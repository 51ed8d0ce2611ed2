// The property tests are long; a busy machine must not fail them.
import { defineConfig } from "vitest/config";

export default defineConfig({ test: { testTimeout: 120_000 } });
