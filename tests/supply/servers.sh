# Sourced by the checks here and by make-images: registries and HTTP servers on loopback ports.
# shellcheck shell=bash disable=SC2034

# The servers that run. Each dies with the shell that started it, however that ends.
servers=()

stop_servers() {
    local server
    for server in "${servers[@]}"; do
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    done
    servers=()
}

# Ends the server that was started last.
stop_last() {
    local server=${servers[-1]}
    unset 'servers[-1]'
    kill "$server"
    wait "$server" 2>/dev/null || true
}

# A port that was free a moment ago.
free_port() {
    python3 -c 'import socket
with socket.socket() as found:
    found.bind(("127.0.0.1", 0))
    print(found.getsockname()[1])'
}

# Starts a server and waits until it listens; its address is in $address. $1 is where its output
# goes, $2 a function that is given a port and writes the configuration, the rest its command line.
# Another program may have taken the port in between: then it starts again with another one.
start_server() {
    local log=$1 configure=$2 port server
    shift 2
    for _ in {1..20}; do
        port=$(free_port)
        address=127.0.0.1:$port
        "$configure" "$port"
        setpriv --pdeathsig KILL "$@" >>"$log" 2>&1 &
        server=$!
        while kill -0 "$server" 2>/dev/null; do
            if is_open "$port"; then
                servers+=("$server")
                return
            fi
            sleep 0.02
        done
    done
    printf '%s does not start: %s\n' "$1" "$(tail -n 5 "$log")" >&2
    return 1
}

is_open() {
    (: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Starts Docker's registry, which keeps its files in the directory $1 and its data in $2 (else
# $1/data); $3 is more of its configuration. Its host is in $registry.
start_registry() {
    local directory=$1 data=${2:-$1/data} more=${3:-} address
    mkdir -p "$directory" "$data"
    configure_registry() {
        cat >"$directory/config.yml" <<END
version: 0.1
log: {level: info, accesslog: {disabled: false}}
storage: {filesystem: {rootdirectory: $data}}
http: {addr: '127.0.0.1:$1'}
$more
END
    }
    start_server "$directory/log" configure_registry docker-registry serve "$directory/config.yml"
    registry=$address
}

# Starts nginx in the directory $1; $2 is for the `server` block. It serves the files below
# $1/files, and writes a line for each request to $1/access.log. Its host is in $provider.
start_nginx() {
    local directory=$1 block=${2:-} address
    mkdir -p "$directory/files"
    configure_nginx() {
        cat >"$directory/nginx.conf" <<END
daemon off; master_process off; pid $directory/pid; error_log $directory/error.log;
events { }
http {
    log_format short '\$status \$body_bytes_sent \$request';
    access_log $directory/access.log short;
    client_body_temp_path $directory/body; proxy_temp_path $directory/proxy;
    fastcgi_temp_path $directory/fastcgi; uwsgi_temp_path $directory/uwsgi;
    scgi_temp_path $directory/scgi;
    server { listen 127.0.0.1:$1; root $directory/files; $block }
}
END
    }
    start_server "$directory/log" configure_nginx \
        nginx -p "$directory" -e "$directory/error.log" -c "$directory/nginx.conf"
    provider=$address
}
