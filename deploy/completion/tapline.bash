# Completion of sniffer and monitor. bash: to /usr/share/bash-completion/completions/sniffer and .../monitor, or source
# it; zsh: autoload -U bashcompinit && bashcompinit, then source it. The options are those that --help tells.

_tapline() {
    local program=$1 current=$2 previous=$3 choices="" IFS=$'\n'
    if [[ $current == = ]]; then # bash takes --option=value apart
        current=""
    elif [[ $previous == = ]]; then
        previous=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    case $previous in
        -i | --interface) choices="any $(ls /sys/class/net 2>/dev/null)" ;;
        --format)
            choices="common combined combinedio vhost_common vhost_combined"
            [[ ${program##*/} == monitor ]] && choices="auto $choices w3c caddy traefik json haproxy squid alb csv"
            ;;
        --output) choices="tui plain json none" ;;
        --metric) choices="hits bytes" ;;
        --rotate-size) choices="0 100MB 1GB" ;;
        --rotate-every) choices="0 1h 1d" ;;
        --mode) choices="0640 0644 0600" ;;
        --user) choices=$(compgen -u) ;;
        --group) choices=$(compgen -g) ;;
        *) [[ $current == -* ]] && choices=$("$program" --help 2>/dev/null | grep -oE '^  -[^ ]+( [^ ]+)?(, --[a-z-]+)?' | grep -oE -e '--?[a-z][a-z-]*') ;;
    esac
    if [[ -n $choices ]]; then
        COMPREPLY=($(compgen -W "${choices// /$'\n'}" -- "$current"))
    else
        COMPREPLY=($(compgen -f -- "$current"))
    fi
}

complete -o filenames -F _tapline sniffer monitor
