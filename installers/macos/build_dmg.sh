#!/bin/sh
# Makes a disk image of the app bundle, signed and notarised if there is a certificate.
# Written from Apple's documentation ("Notarizing macOS software before distribution", codesign(1), notarytool, hdiutil(1));
# not tried on macOS. Run after `python3 installers/package.py`:  installers/macos/build_dmg.sh 0.1.0
#
# SIGNING_IDENTITY   "Developer ID Application: …" in the keychain; without it the app is signed ad hoc
# NOTARY_PROFILE     a profile of `xcrun notarytool store-credentials`; without it nothing is notarised
set -eu

version=$1
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
app="$root/build/package/dist/Oxide Desktop.app"
image="$root/dist/oxide-desktop-$version.dmg"
identity=${SIGNING_IDENTITY:--}

# From the inside out, as Apple asks: every library and program, then the bundle.
find "$app/Contents" -type f \( -name '*.dylib' -o -name '*.so' -o -perm -111 \) -print0 |
    xargs -0 codesign --force --timestamp --options runtime --entitlements "$here/entitlements.plist" --sign "$identity"
codesign --force --timestamp --options runtime --entitlements "$here/entitlements.plist" --sign "$identity" "$app"
codesign --verify --deep --strict "$app"

staging=$(mktemp -d)
trap 'rm -rf "$staging"' EXIT
cp -R "$app" "$staging/"
ln -s /Applications "$staging/Applications"
rm -f "$image"
hdiutil create -volname "Oxide Desktop" -srcfolder "$staging" -format UDZO "$image"

if [ -n "${NOTARY_PROFILE:-}" ]; then
    xcrun notarytool submit "$image" --keychain-profile "$NOTARY_PROFILE" --wait
    xcrun stapler staple "$image"
fi
echo "$image"
