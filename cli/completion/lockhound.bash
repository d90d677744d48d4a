# Completion of the lockhound command for bash.  The words come from the command's own help, so that they cannot lag.

_lockhound_options() { # command
    lockhound help "$1" 2>/dev/null | sed -n 's/^  \(--[a-z-]*=\{0,1\}\).*/\1/p'
}

_lockhound_commands() {
    lockhound --help 2>/dev/null | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'
}

_lockhound() {
    local current=${COMP_WORDS[COMP_CWORD]} command=run at
    COMPREPLY=()
    for ((at = 1; at < COMP_CWORD; at++)); do
        case ${COMP_WORDS[at]} in
        report | check | suppress | analyze | weave | ps | help | run)
            command=${COMP_WORDS[at]}
            break
            ;;
        -*) ;;
        *)
            # The program and its own arguments: complete those as if lockhound were not there.
            _command_offset "$at" 2>/dev/null
            return
            ;;
        esac
    done
    if [[ $command == help ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_lockhound_commands) kinds" -- "$current")
    elif [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_lockhound_options "$command") --help" -- "$current")
        [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace
    elif [[ $command == run && $at -eq $COMP_CWORD ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_lockhound_commands)" -- "$current"; compgen -c -- "$current")
    else
        compopt -o default
    fi
}

complete -F _lockhound lockhound
