#!/usr/bin/env bash
# Fetches Debian's kernel into a folder, without installing it: root/boot, root/lib/modules, and `version`, once.
set -euo pipefail
cd "$1"
[ -e version ] && exit
package=$(apt-cache depends linux-image-amd64 | awk '/Depends: linux-image-[0-9]/ { print $2 }')
[ -n "$package" ]
apt-get download -q "$package" 2>/dev/null
dpkg-deb -x "$package"_*.deb root
rm -f "$package"_*.deb
/sbin/depmod -b root "$(ls root/lib/modules)"
ls root/lib/modules >version
