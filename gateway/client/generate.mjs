// Makes gen/ from the compiled contracts: what clients may call, and the types that it needs.

import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createFileRegistry, fromBinary, getOption } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

const ROOT = "gen/devsphere";
const DETAILS = ["BadRequest", "ErrorInfo", "LocalizedMessage", "RequestInfo", "RetryInfo"];

const descriptors = process.argv[2];
const set = fromBinary(FileDescriptorSetSchema, readFileSync(descriptors));
const registry = createFileRegistry(set);
const access = registry.getExtension("devsphere.options.v1.access");

// The gateway does not know internal methods, so neither does its client.
const methods = [...registry]
  .filter((type) => type.kind === "service")
  .flatMap((service) => service.methods)
  .filter((method) => getOption(method, access).internal.length === 0)
  .map((method) => `${method.parent.typeName}.${method.name}`);

const template = {
  version: "v2",
  clean: true,
  inputs: [
    {
      binary_image: descriptors,
      types: [access.typeName, ...DETAILS.map((name) => `google.rpc.${name}`), ...methods],
      // Field rules are the services' to check, and REST is another door: here they only weigh.
      exclude_types: ["buf.validate", "google.api"].filter((name) => has(name)),
    },
  ],
  plugins: [{ local: "protoc-gen-es", out: "gen", opt: ["target=ts", "import_extension=js"] }],
};
execFileSync("buf", ["generate", "--template", JSON.stringify(template)], { stdio: "inherit" });

// The runtime brings these.
rmSync("gen/google/protobuf", { recursive: true, force: true });

// `@devsphere/client/crm/v1` is everything of the package `devsphere.crm.v1`.
for (const folder of packages(ROOT)) {
  const files = readdirSync(folder).sort();
  const lines = files.map((file) => `export * from "./${file.replace(/\.ts$/, ".js")}";\n`);
  writeFileSync(join(folder, "index.ts"), lines.join(""));
}

function has(name) {
  return set.file.some((file) => file.package === name);
}

function packages(folder) {
  const entries = readdirSync(folder, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory());
  return folders.length === 0
    ? [folder]
    : folders.flatMap((entry) => packages(join(folder, entry.name)));
}
