#!/bin/sh
# jars.sh <lock file>: adds the locked jars to Spark, and removes jars that no stage uses.
set -eu

cd "$SPARK_HOME/jars"
# machine learning, Kubernetes, YARN, Hive, streaming state, the Connect server, shells, other operating systems
rm -f spark-mllib* breeze* spire* cats-* algebra* JTransforms* JLargeArrays* lapack-* blas-* arpack* spark-graphx* \
    spark-kubernetes* kubernetes-* volcano-* vertx-* spark-yarn* \
    spark-hive* hive-beeline* hive-cli* hive-common* hive-exec* hive-jdbc* hive-metastore* hive-serde* hive-service* \
    hive-shims* derby* datanucleus* jdo-api* javax.jdo* HikariCP* \
    rocksdbjni-* spark-connect_* spark-pipelines_* spark-repl_* \
    netty-*-osx-* netty-*-windows-* netty-*-riscv64*
rm -rf ../examples ../data ../licenses ../sbin
python3 /run/spark/fetch.py "$1" .
