#!/bin/bash
# Makes a disk image of the app bundle, signed and notarised if there is a certificate. Run after `make package`.
# Not tried on macOS. Written from Apple's "Creating distribution-signed code for macOS" and "Packaging Mac software for
# distribution", Apple's engineers' https://developer.apple.com/forums/thread/129980 (each code item by itself, from the inside
# out, never --deep; entitlements on programs only), codesign(1), notarytool(1), hdiutil(1).
#
# SIGNING_IDENTITY   "Developer ID Application: …", or its hash, in the keychain; without it the app is signed ad hoc, and
#                    people have to allow it in System Settings, Privacy & Security
# NOTARY_PROFILE     a profile of `xcrun notarytool store-credentials`; without it nothing is notarised
# NOTARY_KEYCHAIN    the keychain that holds the profile, if it is not the usual one
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' "$root/oxide_desktop/__init__.py")
app="$root/build/package/dist/Oxide Desktop.app"
image="$root/dist/oxide-desktop-$version-macos-$(uname -m).dmg"
identity=${SIGNING_IDENTITY:--}
timestamp=--timestamp
if [ "$identity" = - ]; then
    timestamp=--timestamp=none # Apple's time server answers for certificates only
fi

sign() {
    codesign --force "$timestamp" --options runtime --sign "$identity" "$@"
}

# Libraries; then frameworks, which are bundles of their own, the innermost first; then programs; then the app.
find "$app/Contents" -type f \( -name '*.dylib' -o -name '*.so' \) -print0 |
    while IFS= read -r -d '' library; do sign "$library"; done
find "$app/Contents" -depth -type d -name '*.framework' -print0 |
    while IFS= read -r -d '' framework; do sign "$framework"; done
find "$app/Contents/MacOS" -type f -perm -111 -print0 |
    while IFS= read -r -d '' program; do sign --entitlements "$here/entitlements.plist" "$program"; done
sign --entitlements "$here/entitlements.plist" "$app"
codesign --verify --deep --strict --verbose=2 "$app"

staging=$(mktemp -d)
trap 'rm -rf "$staging"' EXIT
cp -R "$app" "$staging/"
ln -s /Applications "$staging/Applications"
rm -f "$image"
hdiutil create -volname "Oxide Desktop" -srcfolder "$staging" -format UDZO "$image"
codesign --force "$timestamp" --sign "$identity" "$image"

if [ -n "${NOTARY_PROFILE:-}" ]; then
    set -- --keychain-profile "$NOTARY_PROFILE"
    if [ -n "${NOTARY_KEYCHAIN:-}" ]; then
        set -- "$@" --keychain "$NOTARY_KEYCHAIN"
    fi
    xcrun notarytool submit "$image" "$@" --wait --timeout 30m
    xcrun stapler staple "$image"
    spctl --assess --type open --context context:primary-signature "$image"
fi
echo "$image"
