#!/usr/bin/env bash
# ops/release/publish.sh build|files|image TAG: what .github/workflows/release.yml does for a tag. Each step runs on any Debian or Ubuntu:
#
#   build v1.2.3   builds everything twice, compares, and has packages and images checked by lintian and skopeo
#   files v1.2.3   publishes dist/release as a release of REPOSITORY (owner/name) on GitHub: needs gh and GH_TOKEN
#   image v1.2.3   pushes the images as IMAGE: needs skopeo; logs in with REGISTRY_USER and REGISTRY_PASSWORD, if they are set
#
# RELEASE_URL: where the newest files lie, if not at the releases of REPOSITORY. PUSH_FLAGS=--insecure: a registry without TLS.
set -euo pipefail
cd "$(dirname "$0")/../.."

step=${1:-} tag=${2:-}
[ -n "$tag" ] || { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
image=${IMAGE:-ghcr.io/${REPOSITORY:-}}
image=${image,,}
bun=(npx -y "$(node -p 'require("./package.json").packageManager')")

case $step in
  build)
    # Of the newest release, so that `rt-data-install upgrade` finds the next one.
    url=${RELEASE_URL:-https://github.com/$REPOSITORY/releases/latest/download}
    "${bun[@]}" install --frozen-lockfile
    "${bun[@]}" run release --check "--url=$url" "--image=$image"
    (cd dist/release && sha256sum --check --quiet SHA256SUMS)
    if command -v lintian >/dev/null; then lintian --fail-on error,warning dist/release/*.deb; else echo "lintian is not installed" >&2; fi
    for file in dist/release/rt-data-image-*.tar; do
      skopeo inspect --config "oci-archive:$file" >/dev/null
      skopeo inspect "docker-archive:$file" >/dev/null
    done
    ;;
  files)
    gh release create "$tag" --repo "$REPOSITORY" --title "RT-Data ${tag#v}" --notes-file CHANGELOG.md --verify-tag dist/release/*
    ;;
  image)
    if [ -n "${REGISTRY_PASSWORD:-}" ]; then
      skopeo login --username "$REGISTRY_USER" --password-stdin "${image%%/*}" <<<"$REGISTRY_PASSWORD"
    fi
    version=${tag#v}
    # shellcheck disable=SC2086 # several flags
    "${bun[@]}" ops/release/push-image.ts ${PUSH_FLAGS:-} "$image:${version//+/-}" "$image:latest"
    ;;
  *)
    echo "unknown step \"$step\"; there are build, files, image" >&2
    exit 2
    ;;
esac
