#!/usr/bin/env bash
# Makes the passwords and the cluster's certificate that compose.yaml reads, once; what is there is kept.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
umask 022 # The containers' users, who are not this one, read them; the folder keeps others of this machine out.
mkdir -p secrets
chmod 700 secrets

password() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

once() { [[ -s secrets/$1 ]] || cat >"secrets/$1"; }

password | once rabbitmq-password
password | once postgres-password
password | once grafana-password
once cluster-key <<<"$(openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256)"
once cluster-certificate <<<"$(openssl req -x509 -key secrets/cluster-key -days 3650 -subj '/CN=FerActors cluster')"
once rabbitmq-user.conf <<TEXT
default_user = fer
default_pass = $(<secrets/rabbitmq-password)
TEXT
once pgpass <<TEXT
postgres:5432:fer:fer:$(<secrets/postgres-password)
TEXT
echo "the passwords are in $PWD/secrets; Grafana's user is admin" >&2
