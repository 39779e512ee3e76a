// Installs Spark with Delta's own library in .cache/spark, once: the tests hold our tables against it.
// PySpark comes from PyPI, Delta from Maven Central.

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const PYSPARK = '4.2.0';
const DELTA = '4.4.0';
/** Delta's library is built for one minor version of Spark. */
const ARTIFACT = 'delta-spark_4.2_2.13';

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>sentinela</groupId><artifactId>spark-for-tests</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>io.delta</groupId><artifactId>${ARTIFACT}</artifactId><version>${DELTA}</version></dependency>
  </dependencies>
</project>
`;

/**
 * Installs it where it is missing.
 *
 * @param root the repository.
 * @param tools `run`, which gives whether a program succeeded, `has` and `fail`.
 */
export function setupSpark(root, { run, has, fail }) {
  const folder = join(root, '.cache/spark');
  const stamp = join(folder, 'version');
  const wanted = `${PYSPARK} ${DELTA}`;
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  console.error('setup: installing Spark and Delta Lake into .cache/spark (500 MB, two minutes, once)');
  if (!has('java', ['-version']))
    fail('Java 17 or newer is needed by the tests. Install a JDK and run the tests again.');
  if (!has('mvn')) fail('Maven is needed by the tests. Install maven and run the tests again.');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'pom.xml'), POM);
  const python = join(folder, 'venv/bin/python');
  const done =
    run('python3', ['-m', 'venv', join(folder, 'venv')]) &&
    run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', `pyspark==${PYSPARK}`]) &&
    run('mvn', [
      ...['--quiet', '--batch-mode', '--file', join(folder, 'pom.xml'), 'dependency:copy-dependencies'],
      ...[`-DoutputDirectory=${join(folder, 'jars')}`, '-DincludeGroupIds=io.delta,io.unitycatalog'],
    ]);
  if (!done) fail('Spark could not be installed: see the lines above (are PyPI and Maven Central reachable?).');
  writeFileSync(stamp, wanted);
}
