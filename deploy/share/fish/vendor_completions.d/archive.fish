# Completion of archive(1) for fish.
function __archive_complete
    env _ARCHIVE_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=$argv[1] \
        _TYPER_COMPLETE_ARGS=(commandline -cp) archive 2>/dev/null
end
complete --command archive --no-files --condition '__archive_complete is-args' --arguments '(__archive_complete get-args)'
