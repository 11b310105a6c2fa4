# Completion of sniffer and monitor. bash: to /usr/share/bash-completion/completions/sniffer and .../monitor, or source
# it; zsh: autoload -U bashcompinit && bashcompinit, then source it. The options are those that --help tells.

_tapline() {
    local program=$1 current=$2 previous=$3 words=""
    case $previous in
        -i | --interface) words="any $(ls /sys/class/net 2>/dev/null)" ;;
        --format)
            words="common combined combinedio vhost_common vhost_combined"
            [[ ${program##*/} == monitor ]] && words="auto $words w3c caddy traefik json haproxy squid alb csv"
            ;;
        --output) words="tui plain json none" ;;
        --metric) words="hits bytes" ;;
        --rotate-size) words="0 100MB 1GB" ;;
        --rotate-every) words="0 1h 1d" ;;
        --mode) words="0640 0644 0600" ;;
        --user) words=$(compgen -u) ;;
        --group) words=$(compgen -g) ;;
        *) [[ $current == -* ]] && words=$("$program" --help 2>/dev/null | grep -oE -e '(^|[ ,[])--?[a-z][a-z-]*' | tr -d ' ,[' | sort -u) ;;
    esac
    COMPREPLY=()
    if [[ -n $words ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
    else
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
    fi
}

complete -o filenames -F _tapline sniffer monitor
