#!/bin/sh
# install.sh <requirements>: installs locked Python packages into /opt/venv, without files for building and testing.
set -eu

# the services of botocore that stages and credentials use; the other models are removed
AWS_SERVICES="dynamodb events redshift-data s3 sagemaker secretsmanager sns stepfunctions sso sso-oidc sts"

touch /tmp/begin
[ -d /opt/venv ] || python3 -m venv --without-pip /opt/venv
python3 -m venv /tmp/pip
/tmp/pip/bin/pip --python /opt/venv/bin/python3 install --quiet --no-deps --require-hashes --requirement "$1"

cd /opt/venv/lib/python3.*/site-packages
for package in numpy pandas pyarrow pysail scipy sklearn; do
    [ ! -d $package ] || find $package -depth -type d \( -name tests -o -name include \) -exec rm -r {} +
done
# never loaded: NumPy's compiler support, pandas and machine learning on Spark, Arrow Flight
rm -rf numpy/distutils pyspark/ml pyspark/mllib pyspark/pandas \
    pyarrow/*flight* pyarrow/src pyarrow/*.pxi pyarrow/*.pxd pyarrow/*.pyx pyarrow/_pyarrow_cpp_tests*
for folder in botocore/data/*/; do
    service=$(basename "$folder")
    case " $AWS_SERVICES " in *" $service "*) ;; *) rm -rf "$folder" ;; esac
done
for library in pyarrow/libarrow_python*.so.*.*.*; do # wheels have copies instead of links
    [ ! -f "$library" ] || [ -L "${library%.*.*}" ] && continue
    ln -sf "$(basename "$library")" "${library%.*.*}"
    ln -sf "$(basename "$library")" "${library%.so.*}.so"
done
find . \( -name '*.pyi' -o -path './botocore/data/*/examples-1.json*' \) -delete
LD_LIBRARY_PATH=$(echo /run/tools/usr/lib/*-linux-gnu) \
    find . \( -path './pyarrow/*.so*' -o -path './zstandard/*.so' \) -type f -newer /tmp/begin \
    -exec /run/tools/usr/bin/strip --strip-unneeded {} +
rm -rf /tmp/pip /tmp/begin
