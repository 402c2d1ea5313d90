# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_kedactl_global_optspecs
    string join \n stack= state-dir= o/output= color= q/quiet h/help V/version
end

function __fish_kedactl_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_kedactl_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_kedactl_using_subcommand
    set -l cmd (__fish_kedactl_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c kedactl -n "__fish_kedactl_needs_command" -l stack -d 'The stack: one demo\'s worth of objects, all named after it' -r
complete -c kedactl -n "__fish_kedactl_needs_command" -l state-dir -d 'Where state is kept [default: the user\'s state directory]' -r -F
complete -c kedactl -n "__fish_kedactl_needs_command" -s o -l output -d 'What results look like' -r -f -a "text\t'Tables and lines for people'
json\t'One JSON document; JSON lines for streams'"
complete -c kedactl -n "__fish_kedactl_needs_command" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c kedactl -n "__fish_kedactl_needs_command" -s q -l quiet -d 'Print results and errors only'
complete -c kedactl -n "__fish_kedactl_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kedactl -n "__fish_kedactl_needs_command" -s V -l version -d 'Print version'
complete -c kedactl -n "__fish_kedactl_needs_command" -f -a "setup" -d 'Create the queue, the identities and the scaling objects'
complete -c kedactl -n "__fish_kedactl_needs_command" -f -a "produce" -d 'Send messages to the queue, or to any source that a trigger reads'
complete -c kedactl -n "__fish_kedactl_needs_command" -f -a "watch" -d 'Run the scaler and watch it work'
complete -c kedactl -n "__fish_kedactl_needs_command" -f -a "run" -d 'Run any KEDA manifest on this machine'
complete -c kedactl -n "__fish_kedactl_needs_command" -f -a "report" -d 'Fetch the counts and prove the verdict'
complete -c kedactl -n "__fish_kedactl_needs_command" -f -a "demo" -d 'Run setup, produce, watch and report in one go'
complete -c kedactl -n "__fish_kedactl_needs_command" -f -a "status" -d 'Show the queue, the jobs and the objects as they are now'
complete -c kedactl -n "__fish_kedactl_needs_command" -f -a "doctor" -d 'Look at everything that must be right, and say what repairs what is not'
complete -c kedactl -n "__fish_kedactl_needs_command" -f -a "target" -d 'Show where the stack runs, or choose where'
complete -c kedactl -n "__fish_kedactl_needs_command" -f -a "teardown" -d 'Delete everything that setup made'
complete -c kedactl -n "__fish_kedactl_needs_command" -f -a "render" -d 'Write every policy and manifest to files'
complete -c kedactl -n "__fish_kedactl_needs_command" -f -a "consume" -d 'Process one message: the video encoder'
complete -c kedactl -n "__fish_kedactl_needs_command" -f -a "analyzer" -d 'Serve the result analyzer'
complete -c kedactl -n "__fish_kedactl_needs_command" -f -a "local" -d 'Work with the embedded AWS services'
complete -c kedactl -n "__fish_kedactl_needs_command" -f -a "completions" -d 'Print the completion script of a shell'
complete -c kedactl -n "__fish_kedactl_needs_command" -f -a "man" -d 'Print a man page, or write them all'
complete -c kedactl -n "__fish_kedactl_using_subcommand setup" -l ttl -d 'Let `teardown --expired` remove the stack after this time, such as 30m, 2h or 1d' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand setup" -l target -d 'Where: local, cluster or eks [default: local; eks with --cluster, cluster with --context]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand setup" -l region -d 'AWS region [default: the environment\'s or the profile\'s; us-east-1 on the local target]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand setup" -l profile -d 'Profile of AWS\'s configuration files' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand setup" -l account -d 'AWS account [default: the credentials\' own]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand setup" -l endpoint-url -d 'An AWS endpoint instead of the embedded service or the region\'s own' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand setup" -l cluster -d 'EKS cluster [default on the local target: kedactl]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand setup" -l context -d 'Context of the kubeconfig [default: EKS\'s own way in, or the current context]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand setup" -l namespace -d 'Kubernetes namespace of the workload [default: default]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand setup" -l keda-namespace -d 'Kubernetes namespace of KEDA [default: keda]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand setup" -l auth -d 'How pods prove to AWS who they are: irsa, pod-identity or secret [default: irsa; secret without an EKS cluster]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand setup" -l auth-scope -d 'Where KEDA\'s way to authenticate is good: namespace or cluster [default: namespace]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand setup" -l controller -d 'What scales: auto, helm, manifest, existing or in-process [default: auto]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand setup" -l keda-manifest -d 'KEDA\'s release manifest, a URL or a file [default: the pinned release]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand setup" -l sha256 -d 'SHA-256 that KEDA\'s release manifest must have' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand setup" -l image -d 'This program\'s own image, in place of the article\'s images' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand setup" -l expires-at -d 'When `teardown --expired` may remove the stack' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand setup" -l kind -d 'What is scaled: scaled-job, or scaled-object with its Deployment [default: scaled-job]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand setup" -l trigger -d 'What it is scaled by: aws-sqs-queue, aws-kinesis-stream, aws-dynamodb, aws-dynamodb-streams or aws-cloudwatch, or short: sqs, kinesis, dynamodb, dynamodb-streams, cloudwatch [default: aws-sqs-queue]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand setup" -l queue -d 'The work queue, a FIFO queue if it ends in .fifo [default: test-queue]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand setup" -l queue-length -d 'The trigger\'s target: messages per job or replica; shards, items, or the metric\'s value with another --trigger [default: 1]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand setup" -l polling-interval -d 'Seconds between two polls of the scaler [default: 10]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand setup" -l cooldown-period -d 'Seconds without a message until a ScaledObject scales to its least [default: 30; KEDA\'s own is 300]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand setup" -l min-replica-count -d 'Jobs or replicas kept even without messages [default: 0]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand setup" -l max-replica-count -d 'Most jobs or replicas at once [default: 100]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand setup" -l strategy -d 'Scaling strategy of a ScaledJob: default, custom, accurate or eager [default: default]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand setup" -l work-seconds -d 'Seconds of work on each message [default: 30]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand setup" -l visibility-timeout -d 'Seconds for which a received message is hidden [default: 60]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand setup" -l stack -d 'The stack: one demo\'s worth of objects, all named after it' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand setup" -l state-dir -d 'Where state is kept [default: the user\'s state directory]' -r -F
complete -c kedactl -n "__fish_kedactl_using_subcommand setup" -s o -l output -d 'What results look like' -r -f -a "text\t'Tables and lines for people'
json\t'One JSON document; JSON lines for streams'"
complete -c kedactl -n "__fish_kedactl_using_subcommand setup" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c kedactl -n "__fish_kedactl_using_subcommand setup" -l plan -d 'Show the plan and stop: exit code 0 when nothing would change, 3 otherwise'
complete -c kedactl -n "__fish_kedactl_using_subcommand setup" -l explain -d 'Show with each step the aws and kubectl commands that it replaces'
complete -c kedactl -n "__fish_kedactl_using_subcommand setup" -s y -l yes -d 'Do not ask, even if it may cost money or change a KEDA of somebody else'
complete -c kedactl -n "__fish_kedactl_using_subcommand setup" -s q -l quiet -d 'Print results and errors only'
complete -c kedactl -n "__fish_kedactl_using_subcommand setup" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kedactl -n "__fish_kedactl_using_subcommand produce" -l queue-url -d 'The queue [default: the stack\'s own]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand produce" -l to -d 'Where else: kinesis://STREAM, dynamodb://TABLE?ATTRIBUTE=VALUE, cloudwatch://NAMESPACE/METRIC?DIMENSION=VALUE or sqs://QUEUE' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand produce" -s n -l count -d 'How many messages, 1 to 1000000 [default: 10, or one for each line of stdin, or each --value]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand produce" -l body -d 'The body of every message, instead of a request' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand produce" -l body-file -d 'A file with the body of every message; `-` sends one message for each line of stdin' -r -F
complete -c kedactl -n "__fish_kedactl_using_subcommand produce" -l value -d 'The values of a metric, one after another, again and again [default: 1]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand produce" -l rate -d 'How fast, over s, m or h, such as 50/s [default: as fast as the queue takes them]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand produce" -l delay -d 'Seconds before a message becomes visible, 0 to 900 [default: the queue\'s own]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand produce" -l group -d 'The message group [default on FIFO queues: the stack\'s name]; of a stream, the partition key [default: each its own]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand produce" -l seed -d 'Requests differ with the seed, and are the same for the same seed' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand produce" -l stack -d 'The stack: one demo\'s worth of objects, all named after it' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand produce" -l state-dir -d 'Where state is kept [default: the user\'s state directory]' -r -F
complete -c kedactl -n "__fish_kedactl_using_subcommand produce" -s o -l output -d 'What results look like' -r -f -a "text\t'Tables and lines for people'
json\t'One JSON document; JSON lines for streams'"
complete -c kedactl -n "__fish_kedactl_using_subcommand produce" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c kedactl -n "__fish_kedactl_using_subcommand produce" -l in-cluster -d 'Send from a Job in the cluster, as the article does, and show its log'
complete -c kedactl -n "__fish_kedactl_using_subcommand produce" -l events -d 'Write each step to stdout as a line of JSON, in place of the outcome'
complete -c kedactl -n "__fish_kedactl_using_subcommand produce" -s q -l quiet -d 'Print results and errors only'
complete -c kedactl -n "__fish_kedactl_using_subcommand produce" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kedactl -n "__fish_kedactl_using_subcommand watch" -s f -l file -d 'A manifest with one ScaledJob or ScaledObject, applied again whenever it changes; - is standard input' -r -F
complete -c kedactl -n "__fish_kedactl_using_subcommand watch" -l scaler -d 'What scales: keda, or this process [default: as setup was told]' -r -f -a "keda\t'KEDA\'s operator, on a cluster: it is followed, and compared with its rules'
in-process\t'This process'"
complete -c kedactl -n "__fish_kedactl_using_subcommand watch" -l for -d 'Watch no longer than this, such as 90s or 10m' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand watch" -l assume -d 'Assume a trigger\'s value, by its name or type: NAME=VALUE, NAME=VALUE/TARGET, from a time on with @SPAN; may be repeated' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand watch" -l pace -d 'Poll this many times faster than the manifest says; on the local target jobs and replicas sleep faster, too' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand watch" -l metrics -d 'Serve KEDA\'s own metrics for Prometheus at /metrics: HOST:PORT, or :PORT on 127.0.0.1; port 0 takes any that is free' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand watch" -l stack -d 'The stack: one demo\'s worth of objects, all named after it' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand watch" -l state-dir -d 'Where state is kept [default: the user\'s state directory]' -r -F
complete -c kedactl -n "__fish_kedactl_using_subcommand watch" -s o -l output -d 'What results look like' -r -f -a "text\t'Tables and lines for people'
json\t'One JSON document; JSON lines for streams'"
complete -c kedactl -n "__fish_kedactl_using_subcommand watch" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c kedactl -n "__fish_kedactl_using_subcommand watch" -l follow -d 'Stay when drained'
complete -c kedactl -n "__fish_kedactl_using_subcommand watch" -s q -l quiet -d 'Print results and errors only'
complete -c kedactl -n "__fish_kedactl_using_subcommand watch" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kedactl -n "__fish_kedactl_using_subcommand run" -s f -l filename -d 'Manifests: files, folders, or - for standard input' -r -F
complete -c kedactl -n "__fish_kedactl_using_subcommand run" -l for -d 'End after this time, such as 30s or 5m' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand run" -l assume -d 'Assume a trigger\'s value, by its name or type: NAME=VALUE, NAME=VALUE/TARGET, from a time on with @SPAN; may be repeated' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand run" -l work-seconds -d 'Seconds for which a job sleeps, when no command is given; a replica sleeps until it is told to end' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand run" -l pace -d 'Poll and sleep this many times faster' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand run" -l metrics -d 'Serve KEDA\'s own metrics for Prometheus at /metrics: HOST:PORT, or :PORT on 127.0.0.1; port 0 takes any that is free' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand run" -l stack -d 'The stack: one demo\'s worth of objects, all named after it' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand run" -l state-dir -d 'Where state is kept [default: the user\'s state directory]' -r -F
complete -c kedactl -n "__fish_kedactl_using_subcommand run" -s o -l output -d 'What results look like' -r -f -a "text\t'Tables and lines for people'
json\t'One JSON document; JSON lines for streams'"
complete -c kedactl -n "__fish_kedactl_using_subcommand run" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c kedactl -n "__fish_kedactl_using_subcommand run" -l once -d 'Look at each object once, say what KEDA would do, and create nothing'
complete -c kedactl -n "__fish_kedactl_using_subcommand run" -l until-drained -d 'End when no trigger is active and no job beyond the minimum runs'
complete -c kedactl -n "__fish_kedactl_using_subcommand run" -l create-sources -d 'Make the queues, streams and tables that the triggers name in the embedded service, and roles that may read them'
complete -c kedactl -n "__fish_kedactl_using_subcommand run" -l keep -d 'Leave what --create-sources made for later runs; `kedactl teardown --stack STACK-run` removes it'
complete -c kedactl -n "__fish_kedactl_using_subcommand run" -s q -l quiet -d 'Print results and errors only'
complete -c kedactl -n "__fish_kedactl_using_subcommand run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kedactl -n "__fish_kedactl_using_subcommand report" -l analyzer-url -d 'The result analyzer to ask [default: the stack\'s own]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand report" -l stack -d 'The stack: one demo\'s worth of objects, all named after it' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand report" -l state-dir -d 'Where state is kept [default: the user\'s state directory]' -r -F
complete -c kedactl -n "__fish_kedactl_using_subcommand report" -s o -l output -d 'What results look like' -r -f -a "text\t'Tables and lines for people'
json\t'One JSON document; JSON lines for streams'"
complete -c kedactl -n "__fish_kedactl_using_subcommand report" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c kedactl -n "__fish_kedactl_using_subcommand report" -l messages -d 'List every message with what became of it'
complete -c kedactl -n "__fish_kedactl_using_subcommand report" -s q -l quiet -d 'Print results and errors only'
complete -c kedactl -n "__fish_kedactl_using_subcommand report" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kedactl -n "__fish_kedactl_using_subcommand demo" -l kind -d 'What is scaled: scaled-job, or scaled-object with its Deployment [default: scaled-job]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand demo" -s n -l count -d 'How many messages' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand demo" -l pace -d 'Poll and sleep this many times faster than the article' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand demo" -l stack -d 'The stack: one demo\'s worth of objects, all named after it' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand demo" -l state-dir -d 'Where state is kept [default: the user\'s state directory]' -r -F
complete -c kedactl -n "__fish_kedactl_using_subcommand demo" -s o -l output -d 'What results look like' -r -f -a "text\t'Tables and lines for people'
json\t'One JSON document; JSON lines for streams'"
complete -c kedactl -n "__fish_kedactl_using_subcommand demo" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c kedactl -n "__fish_kedactl_using_subcommand demo" -s y -l yes -d 'Do not ask, even if it may cost money or change a KEDA of somebody else'
complete -c kedactl -n "__fish_kedactl_using_subcommand demo" -s q -l quiet -d 'Print results and errors only'
complete -c kedactl -n "__fish_kedactl_using_subcommand demo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kedactl -n "__fish_kedactl_using_subcommand status" -l stack -d 'The stack: one demo\'s worth of objects, all named after it' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand status" -l state-dir -d 'Where state is kept [default: the user\'s state directory]' -r -F
complete -c kedactl -n "__fish_kedactl_using_subcommand status" -s o -l output -d 'What results look like' -r -f -a "text\t'Tables and lines for people'
json\t'One JSON document; JSON lines for streams'"
complete -c kedactl -n "__fish_kedactl_using_subcommand status" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c kedactl -n "__fish_kedactl_using_subcommand status" -l objects -d 'List every object with its state'
complete -c kedactl -n "__fish_kedactl_using_subcommand status" -s q -l quiet -d 'Print results and errors only'
complete -c kedactl -n "__fish_kedactl_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kedactl -n "__fish_kedactl_using_subcommand doctor" -l stack -d 'The stack: one demo\'s worth of objects, all named after it' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand doctor" -l state-dir -d 'Where state is kept [default: the user\'s state directory]' -r -F
complete -c kedactl -n "__fish_kedactl_using_subcommand doctor" -s o -l output -d 'What results look like' -r -f -a "text\t'Tables and lines for people'
json\t'One JSON document; JSON lines for streams'"
complete -c kedactl -n "__fish_kedactl_using_subcommand doctor" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c kedactl -n "__fish_kedactl_using_subcommand doctor" -l problems -d 'Show only what is wrong or worth knowing'
complete -c kedactl -n "__fish_kedactl_using_subcommand doctor" -s q -l quiet -d 'Print results and errors only'
complete -c kedactl -n "__fish_kedactl_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kedactl -n "__fish_kedactl_using_subcommand target" -l cluster -d 'EKS cluster' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand target" -l context -d 'Context of the kubeconfig' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand target" -l region -d 'AWS region' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand target" -l profile -d 'Profile of AWS\'s configuration files' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand target" -l endpoint-url -d 'An AWS endpoint instead of the region\'s own' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand target" -l stack -d 'The stack: one demo\'s worth of objects, all named after it' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand target" -l state-dir -d 'Where state is kept [default: the user\'s state directory]' -r -F
complete -c kedactl -n "__fish_kedactl_using_subcommand target" -s o -l output -d 'What results look like' -r -f -a "text\t'Tables and lines for people'
json\t'One JSON document; JSON lines for streams'"
complete -c kedactl -n "__fish_kedactl_using_subcommand target" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c kedactl -n "__fish_kedactl_using_subcommand target" -l offline -d 'Choose without looking whether the cluster or the context is there'
complete -c kedactl -n "__fish_kedactl_using_subcommand target" -l all -d 'List every stack that this machine remembers'
complete -c kedactl -n "__fish_kedactl_using_subcommand target" -s q -l quiet -d 'Print results and errors only'
complete -c kedactl -n "__fish_kedactl_using_subcommand target" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kedactl -n "__fish_kedactl_using_subcommand teardown" -l stack -d 'The stack: one demo\'s worth of objects, all named after it' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand teardown" -l state-dir -d 'Where state is kept [default: the user\'s state directory]' -r -F
complete -c kedactl -n "__fish_kedactl_using_subcommand teardown" -s o -l output -d 'What results look like' -r -f -a "text\t'Tables and lines for people'
json\t'One JSON document; JSON lines for streams'"
complete -c kedactl -n "__fish_kedactl_using_subcommand teardown" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c kedactl -n "__fish_kedactl_using_subcommand teardown" -l shared -d 'Also delete what is shared, if this stack made it'
complete -c kedactl -n "__fish_kedactl_using_subcommand teardown" -l controller -d 'Also remove KEDA, if this stack installed it and nothing scales by it'
complete -c kedactl -n "__fish_kedactl_using_subcommand teardown" -l skip-cluster -d 'Leave the Kubernetes cluster out: it is gone, or cannot be reached'
complete -c kedactl -n "__fish_kedactl_using_subcommand teardown" -l expired -d 'Tear down every stack whose time is past (see `setup --ttl`), wherever it was set up from'
complete -c kedactl -n "__fish_kedactl_using_subcommand teardown" -s y -l yes -d 'Do not ask, even if it can do harm'
complete -c kedactl -n "__fish_kedactl_using_subcommand teardown" -s q -l quiet -d 'Print results and errors only'
complete -c kedactl -n "__fish_kedactl_using_subcommand teardown" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kedactl -n "__fish_kedactl_using_subcommand render" -l target -d 'Where: local, cluster or eks [default: local; eks with --cluster, cluster with --context]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand render" -l region -d 'AWS region [default: the environment\'s or the profile\'s; us-east-1 on the local target]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand render" -l profile -d 'Profile of AWS\'s configuration files' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand render" -l account -d 'AWS account [default: the credentials\' own]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand render" -l endpoint-url -d 'An AWS endpoint instead of the embedded service or the region\'s own' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand render" -l cluster -d 'EKS cluster [default on the local target: kedactl]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand render" -l context -d 'Context of the kubeconfig [default: EKS\'s own way in, or the current context]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand render" -l namespace -d 'Kubernetes namespace of the workload [default: default]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand render" -l keda-namespace -d 'Kubernetes namespace of KEDA [default: keda]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand render" -l auth -d 'How pods prove to AWS who they are: irsa, pod-identity or secret [default: irsa; secret without an EKS cluster]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand render" -l auth-scope -d 'Where KEDA\'s way to authenticate is good: namespace or cluster [default: namespace]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand render" -l controller -d 'What scales: auto, helm, manifest, existing or in-process [default: auto]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand render" -l keda-manifest -d 'KEDA\'s release manifest, a URL or a file [default: the pinned release]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand render" -l sha256 -d 'SHA-256 that KEDA\'s release manifest must have' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand render" -l image -d 'This program\'s own image, in place of the article\'s images' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand render" -l expires-at -d 'When `teardown --expired` may remove the stack' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand render" -l kind -d 'What is scaled: scaled-job, or scaled-object with its Deployment [default: scaled-job]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand render" -l trigger -d 'What it is scaled by: aws-sqs-queue, aws-kinesis-stream, aws-dynamodb, aws-dynamodb-streams or aws-cloudwatch, or short: sqs, kinesis, dynamodb, dynamodb-streams, cloudwatch [default: aws-sqs-queue]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand render" -l queue -d 'The work queue, a FIFO queue if it ends in .fifo [default: test-queue]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand render" -l queue-length -d 'The trigger\'s target: messages per job or replica; shards, items, or the metric\'s value with another --trigger [default: 1]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand render" -l polling-interval -d 'Seconds between two polls of the scaler [default: 10]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand render" -l cooldown-period -d 'Seconds without a message until a ScaledObject scales to its least [default: 30; KEDA\'s own is 300]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand render" -l min-replica-count -d 'Jobs or replicas kept even without messages [default: 0]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand render" -l max-replica-count -d 'Most jobs or replicas at once [default: 100]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand render" -l strategy -d 'Scaling strategy of a ScaledJob: default, custom, accurate or eager [default: default]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand render" -l work-seconds -d 'Seconds of work on each message [default: 30]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand render" -l visibility-timeout -d 'Seconds for which a received message is hidden [default: 60]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand render" -l stack -d 'The stack: one demo\'s worth of objects, all named after it' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand render" -l state-dir -d 'Where state is kept [default: the user\'s state directory]' -r -F
complete -c kedactl -n "__fish_kedactl_using_subcommand render" -s o -l output -d 'What results look like' -r -f -a "text\t'Tables and lines for people'
json\t'One JSON document; JSON lines for streams'"
complete -c kedactl -n "__fish_kedactl_using_subcommand render" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c kedactl -n "__fish_kedactl_using_subcommand render" -l force -d 'Replace files that differ'
complete -c kedactl -n "__fish_kedactl_using_subcommand render" -s q -l quiet -d 'Print results and errors only'
complete -c kedactl -n "__fish_kedactl_using_subcommand render" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kedactl -n "__fish_kedactl_using_subcommand consume" -l queue-url -d 'The queue [default: the stack\'s own]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand consume" -l artifacts -d 'Where results are stored: a directory, or `s3://bucket/prefix` [default: the stack\'s own folder]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand consume" -l analyzer-url -d 'The result analyzer [default: the stack\'s own]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand consume" -l visibility-timeout -d 'Seconds for which the message is hidden; extended at each third of it [default: the queue\'s, as setup remembers it]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand consume" -l idle-timeout -d 'Seconds to wait for a message before ending [default: 1.5 polling intervals]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand consume" -l work-seconds -d 'Seconds of work for a message, when no command is given [default: as setup remembers it]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand consume" -l pace -d 'How many times faster than real time to sleep and to give up waiting' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand consume" -l job -d 'The name under which it counts [default: consume-<process id>]' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand consume" -l stack -d 'The stack: one demo\'s worth of objects, all named after it' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand consume" -l state-dir -d 'Where state is kept [default: the user\'s state directory]' -r -F
complete -c kedactl -n "__fish_kedactl_using_subcommand consume" -s o -l output -d 'What results look like' -r -f -a "text\t'Tables and lines for people'
json\t'One JSON document; JSON lines for streams'"
complete -c kedactl -n "__fish_kedactl_using_subcommand consume" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c kedactl -n "__fish_kedactl_using_subcommand consume" -l loop -d 'Take one message after another until told to end; that there is none ends nothing'
complete -c kedactl -n "__fish_kedactl_using_subcommand consume" -l events -d 'Write each step to stdout as a line of JSON, in place of the outcome'
complete -c kedactl -n "__fish_kedactl_using_subcommand consume" -s q -l quiet -d 'Print results and errors only'
complete -c kedactl -n "__fish_kedactl_using_subcommand consume" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kedactl -n "__fish_kedactl_using_subcommand analyzer" -l listen -d 'Where to listen; port 0 takes any that is free' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand analyzer" -l stack -d 'The stack: one demo\'s worth of objects, all named after it' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand analyzer" -l state-dir -d 'Where state is kept [default: the user\'s state directory]' -r -F
complete -c kedactl -n "__fish_kedactl_using_subcommand analyzer" -s o -l output -d 'What results look like' -r -f -a "text\t'Tables and lines for people'
json\t'One JSON document; JSON lines for streams'"
complete -c kedactl -n "__fish_kedactl_using_subcommand analyzer" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c kedactl -n "__fish_kedactl_using_subcommand analyzer" -l allow-remote -d 'Allow an address that other machines can reach: the analyzer asks for no password'
complete -c kedactl -n "__fish_kedactl_using_subcommand analyzer" -s q -l quiet -d 'Print results and errors only'
complete -c kedactl -n "__fish_kedactl_using_subcommand analyzer" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kedactl -n "__fish_kedactl_using_subcommand local; and not __fish_seen_subcommand_from serve" -l stack -d 'The stack: one demo\'s worth of objects, all named after it' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand local; and not __fish_seen_subcommand_from serve" -l state-dir -d 'Where state is kept [default: the user\'s state directory]' -r -F
complete -c kedactl -n "__fish_kedactl_using_subcommand local; and not __fish_seen_subcommand_from serve" -s o -l output -d 'What results look like' -r -f -a "text\t'Tables and lines for people'
json\t'One JSON document; JSON lines for streams'"
complete -c kedactl -n "__fish_kedactl_using_subcommand local; and not __fish_seen_subcommand_from serve" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c kedactl -n "__fish_kedactl_using_subcommand local; and not __fish_seen_subcommand_from serve" -s q -l quiet -d 'Print results and errors only'
complete -c kedactl -n "__fish_kedactl_using_subcommand local; and not __fish_seen_subcommand_from serve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kedactl -n "__fish_kedactl_using_subcommand local; and not __fish_seen_subcommand_from serve" -f -a "serve" -d 'Serve the embedded AWS services on a port, for the AWS CLI, boto3 or anything else'
complete -c kedactl -n "__fish_kedactl_using_subcommand local; and __fish_seen_subcommand_from serve" -l listen -d 'Address to listen on; port 0 picks a free one' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand local; and __fish_seen_subcommand_from serve" -l stack -d 'The stack: one demo\'s worth of objects, all named after it' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand local; and __fish_seen_subcommand_from serve" -l state-dir -d 'Where state is kept [default: the user\'s state directory]' -r -F
complete -c kedactl -n "__fish_kedactl_using_subcommand local; and __fish_seen_subcommand_from serve" -s o -l output -d 'What results look like' -r -f -a "text\t'Tables and lines for people'
json\t'One JSON document; JSON lines for streams'"
complete -c kedactl -n "__fish_kedactl_using_subcommand local; and __fish_seen_subcommand_from serve" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c kedactl -n "__fish_kedactl_using_subcommand local; and __fish_seen_subcommand_from serve" -l allow-remote -d 'Allow an address that other machines can reach: anyone there may then read and change everything'
complete -c kedactl -n "__fish_kedactl_using_subcommand local; and __fish_seen_subcommand_from serve" -s q -l quiet -d 'Print results and errors only'
complete -c kedactl -n "__fish_kedactl_using_subcommand local; and __fish_seen_subcommand_from serve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kedactl -n "__fish_kedactl_using_subcommand completions" -l stack -d 'The stack: one demo\'s worth of objects, all named after it' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand completions" -l state-dir -d 'Where state is kept [default: the user\'s state directory]' -r -F
complete -c kedactl -n "__fish_kedactl_using_subcommand completions" -s o -l output -d 'What results look like' -r -f -a "text\t'Tables and lines for people'
json\t'One JSON document; JSON lines for streams'"
complete -c kedactl -n "__fish_kedactl_using_subcommand completions" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c kedactl -n "__fish_kedactl_using_subcommand completions" -s q -l quiet -d 'Print results and errors only'
complete -c kedactl -n "__fish_kedactl_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kedactl -n "__fish_kedactl_using_subcommand man" -l dir -d 'Write the pages of all verbs to files in this directory instead' -r -F
complete -c kedactl -n "__fish_kedactl_using_subcommand man" -l stack -d 'The stack: one demo\'s worth of objects, all named after it' -r
complete -c kedactl -n "__fish_kedactl_using_subcommand man" -l state-dir -d 'Where state is kept [default: the user\'s state directory]' -r -F
complete -c kedactl -n "__fish_kedactl_using_subcommand man" -s o -l output -d 'What results look like' -r -f -a "text\t'Tables and lines for people'
json\t'One JSON document; JSON lines for streams'"
complete -c kedactl -n "__fish_kedactl_using_subcommand man" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c kedactl -n "__fish_kedactl_using_subcommand man" -s q -l quiet -d 'Print results and errors only'
complete -c kedactl -n "__fish_kedactl_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
