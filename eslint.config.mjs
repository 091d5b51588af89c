import effect from "@effect/eslint-plugin"
import tseslint from "typescript-eslint"

export default tseslint.config(
  { ignores: ["**/dist", "**/node_modules", "examples/programs"] },
  ...tseslint.configs.recommended,
  ...effect.configs.dprint,
  {
    rules: {
      "@effect/dprint": ["error", {
        config: {
          indentWidth: 2,
          lineWidth: 120,
          operatorPosition: "maintain",
          semiColons: "asi",
          quoteStyle: "alwaysDouble",
          trailingCommas: "never",
          "arrowFunction.useParentheses": "force"
        }
      }],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-empty-object-type": "off",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "@typescript-eslint/no-namespace": ["error", { allowDeclarations: true }],
      "no-console": "error",
      "object-shorthand": "error"
    }
  },
  {
    files: ["packages/*/src/**/*.ts"],
    rules: {
      "no-restricted-imports": ["error", {
        paths: ["effect", "@effect/platform", "@effect/platform-node", "@effect-agb/core"].map((name) => ({
          name,
          message: `Import the module itself, e.g. ${name}/Name: a barrel cannot be shaken.`
        }))
      }]
    }
  },
  {
    files: ["packages/core/src/**/*.ts"],
    rules: {
      "no-restricted-globals": ["error", "process", "Buffer"],
      "no-restricted-syntax": ["error", {
        selector: "ImportDeclaration[source.value=/^node:/]",
        message: "core runs on any JavaScript runtime"
      }]
    }
  },
  {
    files: ["packages/platform-node/agent/**/*.ts"],
    rules: {
      "@typescript-eslint/no-require-imports": ["error", { allow: ["^@swc/wasm-typescript$"] }],
      "no-restricted-syntax": ["error", {
        selector: "ImportDeclaration[importKind!='type'] ImportNamespaceSpecifier",
        message:
          "Import names: esbuild copies a namespace for each importing file, 6 MiB and 7 ms per agent for node:fs."
      }],
      "no-restricted-imports": ["error", {
        patterns: [{
          group: ["effect", "effect/*", "@effect/*", "@effect-agb/*"],
          message: "The agent runs on Node alone, and starts with every sandbox."
        }, {
          regex: "/src/(?!internal/agentWire/)",
          message: "The agent shares agentWire with the host, and nothing else."
        }]
      }]
    }
  },
  {
    files: ["packages/platform-node/page/**/*.{ts,tsx}"],
    rules: {
      "no-restricted-syntax": ["error", {
        selector:
          "MemberExpression[property.name=/^(innerHTML|outerHTML|insertAdjacentHTML|srcdoc)$/], JSXAttribute[name.name=/^(dangerouslySetInnerHTML|srcdoc)$/i]",
        message: "What a session says is shown as text, or in a sandboxed frame that the server serves."
      }]
    }
  },
  {
    files: ["packages/platform-node/src/**/*.ts"],
    rules: {
      "no-restricted-syntax": ["error", {
        selector: "ImportDeclaration[source.value=/\\u002fagent\\u002f/]",
        message: "The agent is another program: what both need is in agentWire."
      }]
    }
  },
  {
    files: ["packages/platform-node/src/internal/agentWire/*.ts"],
    rules: {
      "no-restricted-imports": ["error", {
        patterns: [{
          regex: "^(?!\\./[a-zA-Z]+\\.js$)",
          message: "agentWire is compiled into both programs and depends on neither."
        }]
      }]
    }
  },
  { files: ["**/*.cjs"], rules: { "@typescript-eslint/no-require-imports": "off" } },
  { files: ["examples/**", "bench/**", "scripts/**"], rules: { "no-console": "off" } }
)
