#!/bin/sh
# Sends video-encoding requests in batches of ten.
# Standard output is a line of JSON for each step; everything else goes to standard error.
#
# QUEUE_URL          the queue
# AWS_REGION         its region
# AWS_ENDPOINT_URL   an AWS endpoint other than the region's own (optional)
# NUM_MESSAGES       how many (10)
# MESSAGE_GROUP      FIFO queues: the message group (demo)
# KEDACTL_JOB        names this run; the deduplication ids of FIFO queues follow from it (the host's name)
#
# It ends with 0 when the queue took every message, 1 otherwise.
set -u

: "${QUEUE_URL:?names no queue}" "${AWS_REGION:?names no region}"
count=${NUM_MESSAGES:-10}
run=${KEDACTL_JOB:-$(uname -n)}
tries=5 sent=0 failed=0
trap 'exit 143' TERM INT

say() { printf '%s %s\n' "$(date -u +%H:%M:%S)" "$*" >&2; }

# One event; the further fields are given as the text of JSON.
event() { printf '{"at":"%s","event":"%s",%s}\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$1" "$2"; }

# One entry of a batch. Its id is the message's number, so that every answer tells which message it is about.
entry() {
    case $(($1 % 4)) in 0) quality=4k ;; 1) quality=480p ;; 2) quality=720p ;; *) quality=1080p ;; esac
    printf '{"Id":"%s","MessageBody":"{\\"video\\":\\"clip-%s.mp4\\",\\"quality\\":\\"%s\\",\\"n\\":%s}"' "$1" "$1" "$quality" "$1"
    case $QUEUE_URL in
    *.fifo) printf ',"MessageGroupId":"%s","MessageDeduplicationId":"%s-%s"' "${MESSAGE_GROUP:-demo}" "$run" "$1" ;;
    esac
    printf '}'
}

# The numbers given, joined by the first argument, each made by the second.
joined() {
    separator='' with=$1 make=$2
    shift 2
    for number in "$@"; do
        printf '%s' "$separator"
        "$make" "$number"
        separator=$with
    done
}

# Sends the numbers given: one line for each, `sent NUMBER ID` or `failed NUMBER CODE SENDERFAULT`.
send() {
    # shellcheck disable=SC2016 # the words in backticks are JMESPath's
    aws --region "$AWS_REGION" ${AWS_ENDPOINT_URL:+--endpoint-url "$AWS_ENDPOINT_URL"} --cli-connect-timeout 5 --cli-read-timeout 20 \
        --output text sqs send-message-batch --queue-url "$QUEUE_URL" --entries "[$(joined , entry "$@")]" \
        --query '[Successful[].[`sent`, Id, MessageId], Failed[].[`failed`, Id, Code, SenderFault]][]'
}

plain() { printf '%s' "$1"; }

# Sends up to ten numbers; those that are refused for a passing reason, and those of a batch without an answer, go again.
batch() {
    try=1
    while [ $# -gt 0 ]; do
        event sending "\"numbers\":[$(joined , plain "$@")],\"run\":\"$run\""
        again=''
        if ! answer=$(send "$@"); then
            say "the batch from $1 on had no answer"
            answer=$(joined '
' unanswered "$@")
        fi
        while read -r outcome number detail fault; do
            case $outcome in
            sent)
                sent=$((sent + 1))
                event sent "\"message_id\":\"$detail\",\"number\":$number,\"run\":\"$run\""
                ;;
            failed)
                if [ "$fault" != True ] && [ "$try" -lt "$tries" ]; then
                    again="$again $number"
                else
                    failed=$((failed + 1))
                    event send-failed "\"number\":$number,\"run\":\"$run\",\"code\":\"$detail\",\"attempts\":$try"
                fi
                ;;
            esac
        done <<END
$answer
END
        # shellcheck disable=SC2086 # the numbers are words
        set -- $again
        [ $# -eq 0 ] || sleep "$try"
        try=$((try + 1))
    done
}

unanswered() { printf 'failed %s NoAnswer False' "$1"; }

event produce-started "\"count\":$count"
number=1
while [ "$number" -le "$count" ]; do
    first=$number
    set --
    while [ "$number" -le "$count" ] && [ "$number" -lt $((first + 10)) ]; do
        set -- "$@" "$number"
        number=$((number + 1))
    done
    next=$number
    batch "$@"
    number=$next
done
event produce-finished "\"sent\":$sent,\"failed\":$failed"
[ "$failed" -eq 0 ]
