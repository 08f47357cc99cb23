rc_test(cli_generate test_generate.c ROOMS generate base)
