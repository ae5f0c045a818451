# SPDX-License-Identifier: MIT
# Looks up hosts in p0f-lookupd: one with GET /host/IP, several at once with POST /hosts.
#
#     perl lookup.pl 192.0.2.7 2001:db8::1
#
# The daemon is at P0F_LOOKUPD_URL, by default http://127.0.0.1:5030. Prints a line for each host. Exit
# status: 0 if p0f knows every host, 1 if it does not know some, 2 on failure. Needs only Perl.
use v5.26;
use warnings;
use open qw(:std :encoding(UTF-8));
use HTTP::Tiny;
use JSON::PP;
use List::Util qw(max);

my $url = $ENV{P0F_LOOKUPD_URL} // 'http://127.0.0.1:5030';

# The response, or undef if p0f does not know the host. Dies on failure.
sub ask {
    my ($method, $path, $body) = @_;
    my %options = (headers => {'Content-Type' => 'application/json'}, content => $body // '');
    my $response = HTTP::Tiny->new(timeout => 2)->request($method, "$url$path", \%options);
    my $status = $response->{status};
    return decode_json($response->{content}) if $status == 200;
    die $response->{content} if $status == 599;    # no response: the reason
    my $problem = eval { decode_json($response->{content}) } // {};
    return undef if ($problem->{type} // '') eq 'urn:p0f-lookupd:no-match';
    die $problem->{detail} // "$url: HTTP status $status", "\n";
}

# What p0f knows about a host.
sub lookup {
    my ($ip) = @_;
    return ask('GET', '/host/' . $ip =~ s/[^0-9A-Za-z.:]/sprintf '%%%02X', ord $&/egr);
}

# The same about several: a list of query, status, host or code and detail.
sub lookup_all {
    return ask('POST', '/hosts', encode_json(\@_))->@*;
}

sub show {
    my ($ip, $host, $reason) = @_;
    my @names = $host ? $host->@{qw(os_name os_flavor)} : $reason;
    say "$ip: ", join(' ', grep { defined } @names) || 'unknown OS';
}

sub main {
    if (@_ == 1) {
        my $host = lookup(@_);
        show($_[0], $host, "p0f does not know $_[0]");
        return $host ? 0 : 1;
    }
    my @items = lookup_all(@_);
    show($_->@{qw(query host detail)}) for @items;
    return max map { {200 => 0, 404 => 1}->{$_->{status}} // 2 } @items;
}

my $status = eval { main(@ARGV) };
print STDERR "lookup: $@" if $@;
exit($status // 2);
