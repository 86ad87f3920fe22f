#!/bin/sh
# Read by a release's job (". keychain.sh"): puts a certificate from the job's secrets into a keychain of its own, and exports
# SIGNING_IDENTITY and NOTARY_PROFILE for build_dmg.sh. Without the secrets it does nothing, and what is built is signed ad hoc.
# Written from security(1), notarytool(1) and GitHub's "Installing an Apple certificate on macOS runners"; not tried on macOS.
#
# MACOS_CERTIFICATE   a "Developer ID Application" certificate with its key, a .p12 in base64; MACOS_CERTIFICATE_PASSWORD its password
# NOTARY_APPLE_ID     who notarises, with NOTARY_TEAM_ID and NOTARY_PASSWORD, an app-specific password

if [ -n "${MACOS_CERTIFICATE:-}" ]; then
    keychain=$(mktemp -d)/signing.keychain-db
    password=$(openssl rand -hex 32)
    printf '%s' "$MACOS_CERTIFICATE" | base64 --decode > "$keychain.p12"
    security create-keychain -p "$password" "$keychain"
    security set-keychain-settings -lut 21600 "$keychain"
    security unlock-keychain -p "$password" "$keychain"
    security import "$keychain.p12" -k "$keychain" -f pkcs12 -P "$MACOS_CERTIFICATE_PASSWORD" -T /usr/bin/codesign
    rm -f "$keychain.p12"
    security set-key-partition-list -S apple-tool:,apple: -s -k "$password" "$keychain" > /dev/null
    security list-keychains -d user -s "$keychain" login.keychain-db
    SIGNING_IDENTITY=$(security find-identity -v -p codesigning "$keychain" | awk 'NR == 1 { print $2 }')
    export SIGNING_IDENTITY
    if [ -n "${NOTARY_APPLE_ID:-}" ]; then
        NOTARY_PROFILE=oxide-notary
        export NOTARY_PROFILE
        xcrun notarytool store-credentials "$NOTARY_PROFILE" --keychain "$keychain" \
            --apple-id "$NOTARY_APPLE_ID" --team-id "$NOTARY_TEAM_ID" --password "$NOTARY_PASSWORD"
        export NOTARY_KEYCHAIN="$keychain"
    fi
fi
