// Custom resources against the schemas of their definitions, as @kubernetes-models packages them.
// A list of objects on stdin; a line for each that is not valid. argv[2]: where node_modules is.
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";

const packages = {
  "kafka.strimzi.io": "strimzi-kafka-operator",
  "postgresql.cnpg.io": "cloudnative-pg",
  "keda.sh": "keda",
};
const problems = [];
for (const object of JSON.parse(readFileSync(0, "utf8"))) {
  const [group, version] = object.apiVersion.split("/");
  const name = `${object.apiVersion} ${object.kind} ${object.metadata.name}`;
  try {
    const place = `node_modules/@kubernetes-models/${packages[group]}/${group}/${version}/index`;
    const file = resolve(process.argv[2], place);
    const models = await import(existsSync(`${file}.mjs`) ? `${file}.mjs` : `${file}.js`);
    new models[object.kind](object).validate();
  } catch (error) {
    problems.push(`${name}: ${error.message}`);
  }
}
console.log(problems.join("\n"));
process.exit(problems.length ? 1 : 0);
