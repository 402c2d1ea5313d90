#!/bin/sh
# Encodes a generated clip to the quality that the message asks for: the work of `kedactl consume -- ./examples/encode.sh`.
#
# Needs ffmpeg. Reads: QUALITY (480p, 720p, 1080p or 4k; 480p when the message names none), VIDEO (a title, only printed),
# KEDACTL_OUTPUT (the file to write), CLIP_SECONDS (length of the clip in seconds, 1 to 600; 2 by default).
set -eu

fail() {
    echo "encode.sh: $1" >&2
    exit "$2"
}

quality=${QUALITY:-480p}
seconds=${CLIP_SECONDS:-2}
output=${KEDACTL_OUTPUT:-}

case $quality in
    480p) size=854x480 ;;
    720p) size=1280x720 ;;
    1080p) size=1920x1080 ;;
    4k) size=3840x2160 ;;
    *) fail "unknown quality '$quality': it must be 480p, 720p, 1080p or 4k" 2 ;;
esac
case $seconds in
    '' | *[!0-9]* | ????*) fail "CLIP_SECONDS is '$seconds': it must be a whole number from 1 to 600" 2 ;;
esac
if [ "$seconds" -lt 1 ] || [ "$seconds" -gt 600 ]; then
    fail "CLIP_SECONDS is '$seconds': it must be a whole number from 1 to 600" 2
fi
[ -n "$output" ] || fail "KEDACTL_OUTPUT is not set: run me with 'kedactl consume -- ./examples/encode.sh'" 2
command -v ffmpeg >/dev/null 2>&1 || fail "ffmpeg is not installed; on Debian or Ubuntu: sudo apt-get install ffmpeg" 127

echo "encoding ${VIDEO:-a clip} at $quality: $seconds s of $size"
# The message is on stdin: ffmpeg must not take it for keys. The format is named, as the output's name has no ending.
exec ffmpeg -nostdin -hide_banner -loglevel error -y \
    -f lavfi -i "testsrc=size=$size:rate=25:duration=$seconds" \
    -c:v libx264 -preset veryfast -pix_fmt yuv420p -movflags +faststart -f mp4 "$output"
